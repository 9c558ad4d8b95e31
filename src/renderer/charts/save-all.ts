import { pngOf, saveBlob, svgDocument } from './save-picture.ts';

const columns = 2;
const gap = 12;

/** Every chart below `container` in one picture, two beside each other, as an SVG document of its own. */
function sheetOf(container: HTMLElement): ReturnType<typeof svgDocument> | undefined {
  const pictures = [...container.querySelectorAll<HTMLElement>('figure.chart')].flatMap((figure) => {
    const chart = figure.querySelector<SVGSVGElement>('svg.drawing');
    if (chart === null) return [];
    const legend = [...figure.querySelectorAll<HTMLElement>('[data-legend]')];
    const unit = figure.querySelector('.chart-title .muted')?.textContent ?? '';
    const title = figure.getAttribute('aria-label') ?? '';
    return [
      svgDocument(
        chart,
        unit === '' ? title : `${title} (${unit})`,
        legend.map((item) => ({ text: item.textContent, color: getComputedStyle(item).color })),
      ),
    ];
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
  if (sheet === undefined) return;
  const blob = kind === 'svg' ? new Blob([sheet.text], { type: 'image/svg+xml' }) : await pngOf(sheet);
  saveBlob(`${name}.${kind}`, blob);
}
