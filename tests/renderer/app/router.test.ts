import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hrefOf, hrefOfPlace, parseRoute } from '../../../src/renderer/app/router.ts';

describe('router', () => {
  it('reads page, rest and query', () => {
    expect(parseRoute('#/documents/3?at=12345')).toEqual({ page: 'documents', rest: ['3'], query: { at: '12345' } });
    expect(parseRoute('')).toEqual({ page: 'home', rest: [], query: {} });
    expect(parseRoute('#/')).toEqual({ page: 'home', rest: [], query: {} });
    expect(parseRoute('#/runs/1?a=b?c=d')).toEqual({ page: 'runs', rest: ['1'], query: { a: 'b?c=d' } });
  });

  it('takes a broken escape as it stands, rather than losing the page', () => {
    expect(parseRoute('#/runs/%E0%A4%A')).toMatchObject({ page: 'runs', rest: ['%E0%A4%A'] });
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((text) => text.isWellFormed()),
        fc.array(fc.string({ minLength: 1 }).filter((text) => text.isWellFormed())),
        (page, rest) => {
          expect(parseRoute(hrefOf(page, ...rest))).toEqual({ page, rest, query: {} });
        },
      ),
    );
    expect(parseRoute(hrefOfPlace(3, 120, 140))).toEqual({
      page: 'documents',
      rest: ['3'],
      query: { at: '120', end: '140' },
    });
  });
});
