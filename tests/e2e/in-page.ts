import type { Page } from 'playwright-core';

/** A call of the API as the page itself makes it; the answer's body, an error's too. */
export function callFrom<T>(page: Page, name: string, input: unknown): Promise<T> {
  return page.evaluate(
    async ([method, body]) => {
      const response = await fetch(`/api/${String(method)}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
      return (await response.json()) as never;
    },
    [name, input] as const,
  );
}

/** Waits until something holds, for two minutes at most. */
export async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: it did not happen in two minutes`);
}
