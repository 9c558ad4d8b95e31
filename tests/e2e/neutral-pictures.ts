import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const root = join(import.meta.dirname, '..', '..');

/**
 * Pictures of the page show neutral paths instead of this machine's: the guide is made of them. What stands on the page is
 * put back as soon as the picture is taken.
 * @param folder the test's own folder, shown as a home folder
 */
export function takeNeutralPictures(page: Page, folder: string): void {
  const shown = [
    [root, '/opt/longhand'],
    [folder, '/home/you'],
    [homedir(), '/home/you'],
  ] as const;
  const take = page.screenshot.bind(page);
  page.screenshot = async (options) => {
    await page.evaluate((pairs) => {
      const neutral = (text: string): string => pairs.reduce((all, [from, to]) => all.replaceAll(from, to), text);
      const undo: (() => void)[] = [];
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
        const before = node.nodeValue ?? '';
        const changed = node;
        if (neutral(before) === before) continue;
        node.nodeValue = neutral(before);
        undo.push(() => (changed.nodeValue = before));
      }
      for (const field of document.querySelectorAll('input, textarea')) {
        if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) continue;
        const before = field.value;
        if (neutral(before) === before) continue;
        field.value = neutral(before);
        undo.push(() => (field.value = before));
      }
      (window as unknown as { undoNeutral: () => void }).undoNeutral = () => {
        for (const step of undo) step();
      };
    }, shown);
    try {
      return await take(options);
    } finally {
      await page.evaluate(() => {
        (window as unknown as { undoNeutral: () => void }).undoNeutral();
      });
    }
  };
}
