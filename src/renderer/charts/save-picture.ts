/** Properties that give a chart its look; its variables and style sheet do not travel with the file. */
const carried = [
  ...['fill', 'fill-opacity', 'stroke', 'stroke-opacity', 'stroke-width', 'stroke-dasharray', 'opacity', 'visibility'],
  ...['font-family', 'font-size', 'font-weight', 'text-anchor'],
];

/** Lets the browser save a file. */
export function saveBlob(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Not at once: the download starts after this task.
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 10_000);
}

export interface Picture {
  readonly text: string;
  readonly width: number;
  readonly height: number;
}

/** The drawing of a figure (its `svg.drawing`) with its legend, as an SVG document; undefined where it has none now. */
export function pictureOf(figure: HTMLElement, title: string, unit: string): Picture | undefined {
  const chart = figure.querySelector<SVGSVGElement>('svg.drawing');
  if (chart === null) return undefined;
  const legend = [...figure.querySelectorAll<HTMLElement>('[data-legend]')];
  return svgDocument(
    chart,
    unit === '' ? title : `${title} (${unit})`,
    legend.map((item) => ({ text: item.textContent, color: getComputedStyle(item).color })),
  );
}

/** Lets the browser save a picture as SVG or PNG. */
export async function savePicture(picture: Picture, name: string, kind: 'png' | 'svg'): Promise<void> {
  const blob = kind === 'svg' ? new Blob([picture.text], { type: 'image/svg+xml' }) : await pngOf(picture);
  saveBlob(`${name}.${kind}`, blob);
}

/** A chart as an SVG document of its own: computed colours, title and legend written above, the page's background. */
function svgDocument(
  chart: SVGSVGElement,
  title: string,
  legend: readonly { readonly text: string; readonly color: string }[],
): Picture {
  const { width, height } = chart.getBoundingClientRect();
  const inner = chart.cloneNode(true) as SVGSVGElement;
  const from = [chart, ...chart.querySelectorAll('*')];
  for (const [i, element] of [inner, ...inner.querySelectorAll('*')].entries()) {
    const source = from[i];
    if (source === undefined || !(element instanceof SVGElement)) continue;
    const style = getComputedStyle(source);
    element.removeAttribute('class');
    element.removeAttribute('style');
    for (const name of carried) element.setAttribute(name, style.getPropertyValue(name));
  }
  const head = 44;
  const body = getComputedStyle(document.body);
  const whole = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  whole.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  whole.setAttribute('width', String(width));
  whole.setAttribute('height', String(height + head));
  whole.setAttribute('font-family', body.fontFamily);
  const add = (name: string, attributes: Readonly<Record<string, string>>, text = ''): SVGElement => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    whole.append(element);
    return element;
  };
  add('rect', { width: '100%', height: '100%', fill: body.backgroundColor });
  add('text', { x: '8', y: '17', 'font-size': '13', 'font-weight': '600', fill: body.color }, title);
  const line = add('text', { x: '8', y: '35', 'font-size': '12' });
  for (const { text, color } of legend) {
    const part = document.createElementNS('http://www.w3.org/2000/svg', 'tspan');
    part.setAttribute('fill', color);
    part.setAttribute('dx', line.childNodes.length === 0 ? '0' : '12');
    part.textContent = text;
    line.append(part);
  }
  inner.setAttribute('y', String(head));
  inner.setAttribute('width', String(width));
  inner.setAttribute('height', String(height));
  whole.append(inner);
  return { text: new XMLSerializer().serializeToString(whole), width, height: height + head };
}

/** An SVG document as PNG, `scale` times as fine as on the screen. @throws Error when the browser cannot draw it */
async function pngOf(picture: Picture, scale = 2): Promise<Blob> {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([picture.text], { type: 'image/svg+xml' }));
  try {
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = Math.ceil(picture.width * scale);
    canvas.height = Math.ceil(picture.height * scale);
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('no canvas');
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => {
        if (blob === null) reject(new Error('the chart could not be drawn'));
        else resolve(blob);
      }, 'image/png');
    });
  } finally {
    URL.revokeObjectURL(image.src);
  }
}
