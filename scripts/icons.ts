// Draws resources/icons from icon.svg with the system's Chromium: PNG in every size that a desktop asks for, and the
// containers of Windows (icon.ico) and macOS (icon.icns), which both hold PNG files. Run it when the drawing has changed.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { findChromium } from './chromium.ts';

const folder = join(import.meta.dirname, '..', 'resources', 'icons');
const sizes = [16, 32, 48, 64, 128, 256, 512, 1024] as const;
type Size = (typeof sizes)[number];
type Pictures = Readonly<Record<Size, Buffer>>;

/** A Windows icon: a header of 6 bytes, 16 bytes for each picture, then the PNG files. A side of 256 is written as 0. */
function ico(pictures: Pictures): Buffer {
  const used = [16, 32, 48, 64, 128, 256] as const;
  const head = Buffer.alloc(6 + 16 * used.length);
  head.writeUInt16LE(1, 2); // an icon, not a cursor
  head.writeUInt16LE(used.length, 4);
  let offset = head.length;
  for (const [i, size] of used.entries()) {
    const at = 6 + 16 * i;
    head.writeUInt8(size % 256, at);
    head.writeUInt8(size % 256, at + 1);
    head.writeUInt16LE(1, at + 4); // planes
    head.writeUInt16LE(32, at + 6); // bits a pixel
    head.writeUInt32LE(pictures[size].length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += pictures[size].length;
  }
  return Buffer.concat([head, ...used.map((size) => pictures[size])]);
}

/** A macOS icon: parts of a type of four letters, their length with these eight bytes, and a PNG file. */
function icns(pictures: Pictures): Buffer {
  const part = (type: string, content: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.write(type, 'latin1');
    head.writeUInt32BE(8 + content.length, 4);
    return Buffer.concat([head, content]);
  };
  const types = { ic07: 128, ic08: 256, ic09: 512, ic10: 1024, ic11: 32, ic12: 64, ic13: 256, ic14: 512 } as const;
  return part('icns', Buffer.concat(Object.entries(types).map(([type, size]) => part(type, pictures[size]))));
}

const executablePath = findChromium();
if (executablePath === undefined) throw new Error('Chromium is needed to draw the icons: npm run setup:chromium');
const drawing = readFileSync(join(folder, 'icon.svg'), 'utf8');
const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
try {
  const page = await browser.newPage();
  const draw = async (size: Size): Promise<Buffer> => {
    await page.setViewportSize({ width: size, height: size });
    await page.setContent(`<style>*{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${drawing}`);
    return page.screenshot({ omitBackground: true });
  };
  const drawn = {} as Record<Size, Buffer>;
  for (const size of sizes) drawn[size] = await draw(size);
  // electron-builder takes sizes for Linux from names such as 256x256.png.
  for (const size of sizes) writeFileSync(join(folder, `${size}x${size}.png`), drawn[size]);
  writeFileSync(join(folder, 'icon.ico'), ico(drawn));
  writeFileSync(join(folder, 'icon.icns'), icns(drawn));
} finally {
  await browser.close();
}
