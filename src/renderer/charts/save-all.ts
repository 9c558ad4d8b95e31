import { pictureOf, savePicture } from './save-picture.ts';
import type { Picture } from './save-picture.ts';

const columns = 2;
const gap = 12;

/** Every chart below `container` in one picture, two beside each other, as an SVG document of its own. */
function sheetOf(container: HTMLElement): Picture | undefined {
  const pictures = [...container.querySelectorAll<HTMLElement>('figure.chart')].flatMap((figure) => {
    const unit = figure.querySelector('.chart-title .muted')?.textContent ?? '';
    const picture = pictureOf(figure, figure.getAttribute('aria-label') ?? '', unit);
    return picture === undefined ? [] : [picture];
  });
  if (pictures.length === 0) return undefined;
  const width = Math.max(...pictures.map((picture) => picture.width));
  const height = Math.max(...pictures.map((picture) => picture.height));
  const across = Math.min(columns, pictures.length);
  const whole = {
    width: across * width + (across - 1) * gap,
    height: Math.ceil(pictures.length / columns) * (height + gap) - gap,
  };
  const placed = pictures.map(({ text }, i) => {
    const [x, y] = [(i % columns) * (width + gap), Math.floor(i / columns) * (height + gap)];
    return text.replace('<svg ', `<svg x="${x}" y="${y}" `);
  });
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${whole.width}" height="${whole.height}">`;
  const ground = `<rect width="100%" height="100%" fill="${getComputedStyle(document.body).backgroundColor}"/>`;
  return { text: `${head}${ground}${placed.join('')}</svg>`, ...whole };
}

/** Lets the browser save all charts below `container` as one picture. */
export async function saveAllCharts(container: HTMLElement, name: string, kind: 'png' | 'svg'): Promise<void> {
  const sheet = sheetOf(container);
  if (sheet !== undefined) await savePicture(sheet, name, kind);
}
