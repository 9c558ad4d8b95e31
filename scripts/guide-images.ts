// `npm run guide:images`: takes the pictures of the user guide from those that the end-to-end tests made, as smaller files.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { findChromium } from './chromium.ts';

const root = join(import.meta.dirname, '..');
const from = join(root, '.cache', 'screenshots');
const guideImages = join(root, 'docs', 'guide', 'images');

/** Name in the guide: name of the picture, without `.png`. */
const chosen: Readonly<Record<string, string>> = {
  tour: 'tour-2-light',
  home: 'home-light',
  documents: 'documents-light',
  generate: 'generate-light',
  audit: 'audit-light',
  'audit-filters': 'audit-filters-light',
  'agreement-labels': 'agreement-labels-light',
  'agreement-annotators': 'agreement-annotators-light',
  'agreement-import': 'agreement-import-light',
  train: 'train-light',
  run: 'run-light',
  compare: 'compare-light',
  evaluate: 'evaluate-comparison-whole-light',
  'evaluate-form': 'evaluate-form-light',
  'evaluate-heat': 'evaluate-heat-light',
  system: 'system-light',
};

/** Runs in the page: these scripts are checked without the DOM's types. */
const encode = `async function encode(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext('2d').drawImage(image, 0, 0);
  return canvas.toDataURL('image/webp', 0.8);
}`;

/** A browser encodes WebP, so no library has to: a fifth to a third of the PNG at the same size in pixels. */
export async function copyGuideImages(): Promise<number> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    console.error('No Chromium: run "npm run setup:chromium" or set CHROMIUM_PATH.');
    return 1;
  }
  const missing = Object.values(chosen).filter((name) => !existsSync(join(from, `${name}.png`)));
  if (missing.length > 0) {
    console.error(`Missing in .cache/screenshots: ${missing.join(', ')}. Run "npm test -- tests/e2e" first.`);
    return 1;
  }
  mkdirSync(guideImages, { recursive: true });
  for (const old of readdirSync(guideImages)) rmSync(join(guideImages, old));
  const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ content: encode });
    let total = 0;
    for (const [name, source] of Object.entries(chosen)) {
      const png = readFileSync(join(from, `${source}.png`)).toString('base64');
      const webp = await page.evaluate<string>(`encode(${JSON.stringify(`data:image/png;base64,${png}`)})`);
      const bytes = Buffer.from(webp.slice(webp.indexOf(',') + 1), 'base64');
      writeFileSync(join(guideImages, `${name}.webp`), bytes);
      total += bytes.length;
    }
    console.log(`${Object.keys(chosen).length} images in docs/guide/images, ${(total / 1e6).toFixed(2)} MB.`);
  } finally {
    await browser.close();
  }
  return 0;
}
