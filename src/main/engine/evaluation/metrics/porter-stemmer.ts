/** Irregular forms of NLTK's stemmer. */
const IRREGULAR: Readonly<Record<string, string>> = {
  ...{ sky: 'sky', skies: 'sky', dying: 'die', lying: 'lie', tying: 'tie', news: 'news' },
  ...{ innings: 'inning', inning: 'inning', outings: 'outing', outing: 'outing' },
  ...{ cannings: 'canning', canning: 'canning', howe: 'howe' },
  ...{ proceed: 'proceed', exceed: 'exceed', succeed: 'succeed' },
};

/** Ending, what takes its place, and what the rest must be; the first ending that a word has decides. */
type Rule = readonly [ending: string, instead: string, fits?: (rest: string) => boolean];

const several = (rest: string): boolean => measure(rest) > 1;
const some = (rest: string): boolean => measure(rest) > 0;
const listed = (rules: string, fits: (rest: string) => boolean): Rule[] =>
  rules.split(' ').map((rule) => {
    const [ending = '', instead = ''] = rule.split('>');
    return [ending, instead, fits];
  });

const PLURALS: readonly Rule[] = [
  ['sses', 'ss'],
  ['ies', 'i'],
  ['ss', 'ss'],
  ['s', ''],
];
const DOUBLE_SUFFIXES: readonly Rule[] = [
  ...listed(
    'ational>ate tional>tion enci>ence anci>ance izer>ize bli>ble alli>al entli>ent eli>e ousli>ous ization>ize ation>ate ator>ate alism>al iveness>ive fulness>ful ousness>ous aliti>al iviti>ive biliti>ble fulli>ful',
    some,
  ),
  // The l belongs to the stem here, so that "geologi" has one.
  ['logi', 'log', (rest) => some(`${rest}l`)],
];
const MIDDLE_SUFFIXES = listed('icate>ic ative> alize>al iciti>ic ical>ic ful> ness>', some);
const LAST_SUFFIXES: readonly Rule[] = [
  ...listed('al> ance> ence> er> ic> able> ible> ant> ement> ment> ent>', several),
  ['ion', '', (rest) => several(rest) && /[st]$/.test(rest)],
  ...listed('ou> ism> ate> iti> ous> ive> ize>', several),
];

/**
 * Porter's stem of a lower-case word (Porter 1980, "An algorithm for suffix stripping"), with the extensions that NLTK
 * has by default, which rouge_score uses.
 */
export function porterStem(word: string): string {
  if (Object.hasOwn(IRREGULAR, word)) return IRREGULAR[word] ?? word;
  if (word.length <= 2) return word;
  let stem = word.length === 4 && word.endsWith('ies') ? word.slice(0, -1) : applied(word, PLURALS);
  stem = withoutPast(stem);
  stem = applied(stem, [['y', 'i', (rest) => rest.length > 1 && isConsonant(rest, rest.length - 1)]]);
  stem = doubleSuffix(stem);
  stem = applied(stem, MIDDLE_SUFFIXES);
  stem = applied(stem, LAST_SUFFIXES);
  if (stem.endsWith('e')) {
    const rest = stem.slice(0, -1);
    if (several(rest) || (measure(rest) === 1 && !endsShort(rest))) stem = rest;
  }
  return stem.endsWith('ll') && several(stem.slice(0, -1)) ? stem.slice(0, -1) : stem;
}

/** -ed and -ing. */
function withoutPast(word: string): string {
  if (word.endsWith('ied')) return word.length === 4 ? word.slice(0, -1) : word.slice(0, -2);
  if (word.endsWith('eed')) return some(word.slice(0, -3)) ? word.slice(0, -1) : word;
  const ending = ['ed', 'ing'].find((one) => word.endsWith(one) && /v/.test(shape(word.slice(0, -one.length))));
  if (ending === undefined) return word;
  const rest = word.slice(0, -ending.length);
  if (/(?:at|bl|iz)$/.test(rest)) return `${rest}e`;
  const last = rest.at(-1) ?? '';
  if (rest.length > 1 && last === rest.at(-2) && isConsonant(rest, rest.length - 1)) {
    return 'lsz'.includes(last) ? rest : rest.slice(0, -1);
  }
  return measure(rest) === 1 && endsShort(rest) ? `${rest}e` : rest;
}

function doubleSuffix(word: string): string {
  return word.endsWith('alli') && some(word.slice(0, -4))
    ? doubleSuffix(word.slice(0, -2))
    : applied(word, DOUBLE_SUFFIXES);
}

function applied(word: string, rules: readonly Rule[]): string {
  const rule = rules.find(([ending]) => word.endsWith(ending));
  if (rule === undefined) return word;
  const [ending, instead, fits] = rule;
  const rest = word.slice(0, word.length - ending.length);
  return fits === undefined || fits(rest) ? rest + instead : word;
}

/** Consonants and vowels as c and v; y is a vowel after a consonant. */
function shape(word: string): string {
  let marks = '';
  for (const letter of word) {
    const vowel = 'aeiou'.includes(letter) || (letter === 'y' && marks.endsWith('c'));
    marks += vowel ? 'v' : 'c';
  }
  return marks;
}

function isConsonant(word: string, index: number): boolean {
  return shape(word)[index] === 'c';
}

/** Porter's m: how often consonants follow vowels. */
function measure(word: string): number {
  return shape(word).split('vc').length - 1;
}

/** Porter's *o, and NLTK's addition of words of two letters. */
function endsShort(word: string): boolean {
  const marks = shape(word);
  return (marks.endsWith('cvc') && !/[wxy]$/.test(word)) || marks === 'vc';
}
