/**
 * Small sets of our own in the published forms of InfiniteBench, LongBench, HELMET, MT-Bench and LongBench-Chat, so that
 * each can be measured at once and without a network. All are about people of an invented county, drawn from a seed.
 * They say little about a model's rank; they show whether it can do what the form asks for. `node
 * scripts/evaluation-sets.ts` writes them again.
 */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { randomStream, shuffled } from '../src/main/engine/random.ts';
import { pick, sample } from '../src/main/engine/evaluation/ruler/draw.ts';

/** Items of a set; a multiple of four, so that every letter is right equally often. */
const ITEMS = 12;
/** People of one long text. */
const PEOPLE = 8;

type Random = ReturnType<typeof randomStream>;

const FIRST =
  'Ada,Boris,Clara,Dorian,Edith,Felix,Greta,Hugo,Ingrid,Jonas,Karla,Leonard,Mira,Nestor,Olive,Pavel,Rosa,Simon,Thea,Viktor'.split(
    ',',
  );
const LAST =
  'Alder,Birk,Calloway,Dunmore,Ellery,Farrow,Garrick,Hollis,Ivers,Kessel,Lorrimer,Mayhew,Norwood,Ostler,Pemberly,Quill,Ravenel,Sorrel,Thackeray,Underhill'.split(
    ',',
  );
const TOWNS =
  'Ashcombe,Brackwater,Coldmere,Dunfell,Eastholm,Fernleigh,Greywick,Hollowford,Larkspur,Millbrook,Northwade,Oakhurst'.split(
    ',',
  );
const JOBS =
  'baker,bookbinder,carpenter,clockmaker,doctor,farmer,gardener,glazier,miller,pharmacist,potter,saddler,sculptor,tailor,weaver'.split(
    ',',
  );
const INSTRUMENTS = 'accordion,banjo,bassoon,cello,clarinet,flute,harp,oboe,organ,trumpet,viola,zither'.split(',');
const ANIMALS = 'badger,cat,donkey,falcon,ferret,goat,hound,parrot,pony,rabbit,raven,tortoise'.split(',');
const FOODS = 'apple cake,barley soup,cheese pie,dumplings,herring,mushroom stew,pancakes,roast duck'.split(',');

interface Person {
  readonly name: string;
  readonly town: string;
  readonly job: string;
  readonly born: number;
  readonly instrument: string;
  readonly animal: string;
  readonly food: string;
  readonly teacher: string;
}

/** Different people: no name, town, job, year, instrument or animal occurs twice; each has another one as a teacher. */
function people(random: Random, count = PEOPLE): Person[] {
  const first = sample(FIRST, count, random);
  const last = sample(LAST, count, random);
  const drawn = {
    ...{ town: sample(TOWNS, count, random), job: sample(JOBS, count, random) },
    ...{ instrument: sample(INSTRUMENTS, count, random), animal: sample(ANIMALS, count, random) },
    born: sample(
      Array.from({ length: 70 }, (_, i) => 1820 + i),
      count,
      random,
    ),
  };
  const name = (i: number): string => `${first[i % count] ?? ''} ${last[i % count] ?? ''}`;
  return Array.from({ length: count }, (_, i) => ({
    ...{ name: name(i), teacher: name(i + 1), town: drawn.town[i] ?? '', job: drawn.job[i] ?? '' },
    ...{ born: drawn.born[i] ?? 0, instrument: drawn.instrument[i] ?? '', animal: drawn.animal[i] ?? '' },
    food: FOODS[uniformInt(random, 0, FOODS.length - 1)] ?? '',
  }));
}

function story({ name, town, job, born, instrument, animal, food, teacher }: Person): string {
  return `${name} was born in ${born} and lives in ${town}. The neighbours know ${name} as a ${job} of few words. In the evening ${name} plays the ${instrument}, which ${teacher} taught with great patience. A ${animal} sleeps beside the stove, and on Sundays there is ${food}.`;
}

const text = (persons: readonly Person[]): string => persons.map(story).join('\n\n');

/** Builds the items of a set, each with its own random numbers and people. */
function items<Item>(set: string, make: (random: Random, persons: Person[], index: number) => Item): Item[] {
  return Array.from({ length: ITEMS }, (_, index) => {
    const random = randomStream(17, 'published-sets', set, index);
    return make(random, people(random), index);
  });
}

/** Options with the right one at the index's place. */
function options(right: string, others: readonly string[], index: number, random: Random): string[] {
  const list = sample(
    others.filter((other) => other !== right),
    3,
    random,
  );
  list.splice(index % 4, 0, right);
  return list;
}

const infiniteBench = {
  longbook_sum_eng: () =>
    items('sum', (_, persons) => ({
      context: text(persons),
      input: '',
      answer: [persons.map(({ name, job, town }) => `${name} is a ${job} in ${town}.`).join('\n')],
      options: [],
    })),
  longbook_qa_eng: () =>
    items('qa', (random, persons) => {
      const { name, animal } = pick(persons, random);
      const input = `Which animal sleeps beside ${name}'s stove?`;
      return { context: text(persons), input, answer: [animal, `a ${animal}`], options: [] };
    }),
  longbook_choice_eng: () =>
    items('choice', (random, persons, index) => {
      const { name, town } = pick(persons, random);
      const list = options(
        town,
        persons.map((person) => person.town),
        index,
        random,
      );
      return { context: text(persons), input: `In which town does ${name} live?`, answer: [town], options: list };
    }),
};

interface LongBenchItem {
  readonly input: string;
  readonly context: string;
  readonly answers: readonly string[];
  readonly all_classes?: readonly string[];
}

/** A question over the stories. */
function asking(set: string, ask: (random: Random, persons: Person[]) => readonly [string, readonly string[]]) {
  return (): LongBenchItem[] =>
    items(set, (random, persons) => {
      const [input, answers] = ask(random, persons);
      return { input, context: text(persons), answers };
    });
}

const LABELS = ['Animal', 'Person', 'Place', 'Year'] as const;
/** A question and its kind, by the place in LABELS. */
function labelled({ name, town, animal }: Person, kind: number): readonly [string, string] {
  const questions = [
    `What sleeps beside the stove of ${name}?`,
    `Who keeps a ${animal} in ${town}?`,
    `Where does ${name} play in the evening?`,
    `When was ${name} born?`,
  ];
  return [questions[kind] ?? '', LABELS[kind] ?? ''];
}

const dialogue = (a: Person, b: Person): readonly [string, string] => [
  `${a.name}: Are you coming to ${b.town} on Sunday?\n${b.name}: Yes, I will bring the ${b.instrument}.\n${a.name}: Good, I will make ${a.food}.`,
  `${b.name} will bring the ${b.instrument} to ${b.town} on Sunday and ${a.name} will make ${a.food}.`,
];

const loop = (random: Random): readonly [string, string] => {
  const [list = '', sum = ''] = sample(['prices', 'weights', 'lengths', 'scores', 'total', 'amount'], 2, random);
  return [
    `def add_${list}(${list}):\n    ${sum} = 0\n    for one in ${list}:\n        ${sum} += one\n`,
    `    return ${sum}`,
  ];
};

const longBench: Readonly<Record<string, () => LongBenchItem[]>> = {
  narrativeqa: asking('narrativeqa', (random, persons) => {
    const { name, food } = pick(persons, random);
    return [`What is there on Sundays in ${name}'s house?`, [food]];
  }),
  qasper: asking('qasper', (random, persons) => {
    const { name, instrument } = pick(persons, random);
    const asked = uniformInt(random, 0, 2);
    if (asked === 2) return [`How tall is ${name}?`, ['unanswerable']];
    const other =
      asked === 0
        ? instrument
        : pick(
            INSTRUMENTS.filter((given) => given !== instrument),
            random,
          );
    return [`Does ${name} play the ${other}?`, [asked === 0 ? 'yes' : 'no']];
  }),
  multifieldqa_en: asking('multifieldqa', (random, persons) => {
    const { name, job } = pick(persons, random);
    return [`What does ${name} do for a living?`, [job]];
  }),
  hotpotqa: asking('hotpotqa', (random, persons) => {
    const { town, animal } = pick(persons, random);
    return [`Which animal does the person from ${town} keep?`, [animal]];
  }),
  '2wikimqa': asking('2wikimqa', (random, persons) => {
    const [a, b] = sample(persons, 2, random) as [Person, Person]; // two were asked for
    return [`Who was born first, ${a.name} or ${b.name}?`, [a.born < b.born ? a.name : b.name]];
  }),
  musique: asking('musique', (random, persons) => {
    const { instrument, teacher } = pick(persons, random);
    const town = persons.find(({ name }) => name === teacher)?.town ?? '';
    return [`In which town does the teacher of the person who plays the ${instrument} live?`, [town]];
  }),
  gov_report: () =>
    items('gov_report', (_, persons) => ({
      ...{ input: '', context: `Report on the trades of the county.\n\n${text(persons)}` },
      answers: [
        `The county has ${persons.length} trades. ${persons.map(({ job, town }) => `The ${job} works in ${town}.`).join(' ')}`,
      ],
    })),
  qmsum: () =>
    items('qmsum', (random, persons) => {
      const { name, instrument } = pick(persons, random);
      const said = persons.map((one) => `${one.name}: I can bring the ${one.instrument} and a plate of ${one.food}.`);
      return {
        input: `What does ${name} offer to bring?`,
        context: said.join('\n'),
        answers: [`${name} offers to bring the ${instrument} and a plate of food.`],
      };
    }),
  multi_news: () =>
    items('multi_news', (_, persons) => ({
      input: '',
      context: persons.map((person, i) => `Passage ${i + 1}:\n${story(person)}`).join('\n\n'),
      answers: [persons.map(({ name, animal }) => `${name} keeps a ${animal}.`).join(' ')],
    })),
  trec: () =>
    items('trec', (_, persons, index) => {
      const [last, ...others] = persons.map((person, i) => labelled(person, i === 0 ? index % 4 : i % 4));
      const context = others.map(([question, label]) => `Question: ${question}\nType: ${label}`).join('\n');
      return { input: `Question: ${last?.[0] ?? ''}\nType:`, context, answers: [last?.[1] ?? ''], all_classes: LABELS };
    }),
  triviaqa: () =>
    items('triviaqa', (_, persons) => {
      const shown = persons.map(
        (person) => `Passage:\n${story(person)}\nQuestion:\nWhich instrument does ${person.name} play?\nAnswer:\n`,
      );
      const [last = '', ...others] = shown;
      const context = others.map((part, i) => `${part}${persons[i + 1]?.instrument ?? ''}`).join('\n');
      return { input: last, context, answers: [persons[0]?.instrument ?? '', `the ${persons[0]?.instrument ?? ''}`] };
    }),
  samsum: () =>
    items('samsum', (_, persons) => {
      const pairs = persons.map((person, i) => dialogue(person, persons[(i + 1) % persons.length] as Person)); // in range
      const [[last, summary], ...others] = pairs as [readonly [string, string], ...(readonly [string, string])[]];
      const context = others.map(([said, short]) => `Dialogue: ${said}\nSummary: ${short}`).join('\n');
      return { input: `Dialogue: ${last}\nSummary: `, context, answers: [summary] };
    }),
  passage_count: () =>
    items('passage_count', (random, persons) => {
      const different = uniformInt(random, 3, PEOPLE - 1);
      const kept = persons.slice(0, different);
      const all = shuffled([...kept, ...Array.from({ length: PEOPLE - different }, () => pick(kept, random))], random);
      const context = all.map((person, i) => `Paragraph ${i + 1}: ${story(person)}`).join('\n\n');
      return { input: '', context, answers: [String(different)] };
    }),
  passage_retrieval_en: () =>
    items('passage_retrieval', (random, persons) => {
      const place = uniformInt(random, 0, persons.length - 1);
      const { town, job, animal } = persons[place] as Person; // in range
      const context = persons.map((person, i) => `Paragraph ${i + 1}: ${story(person)}`).join('\n\n');
      return {
        input: `It is about a ${job} in ${town} who keeps a ${animal}.`,
        context,
        answers: [`Paragraph ${place + 1}`],
      };
    }),
  lcc: () =>
    items('lcc', (random) => {
      const parts = Array.from({ length: 6 }, () => loop(random));
      const [last, next] = loop(random);
      return {
        input: '',
        context: `${parts.map(([code, end]) => code + end).join('\n\n')}\n\n${last}`,
        answers: [next],
      };
    }),
  'repobench-p': () =>
    items('repobench', (random) => {
      const parts = Array.from({ length: 6 }, (_, i) => [`parts/file_${i}.py`, loop(random)] as const);
      const [last, next] = loop(random);
      const context = parts.map(([path, [code, end]]) => `# Path: ${path}\n${code}${end}\n`).join('\n');
      return { input: `# Path: main.py\n${last}`, context, answers: [next] };
    }),
};

function longBenchV2() {
  return items('v2', (random, persons, index) => {
    const easy = index % 2 === 0;
    const { name, job, instrument } = pick(persons, random);
    const list = options(
      job,
      persons.map((person) => person.job),
      Math.floor(index / 3),
      random,
    );
    const [choice_A, choice_B, choice_C, choice_D] = list;
    return {
      ...{ _id: `own-${index}`, domain: 'Single-Document QA', sub_domain: 'Literary' },
      ...{ difficulty: easy ? 'easy' : 'hard', length: (['short', 'medium', 'long'] as const)[index % 3] },
      question: easy ? `What is the trade of ${name}?` : `What is the trade of the person who plays the ${instrument}?`,
      ...{ choice_A, choice_B, choice_C, choice_D, answer: 'ABCD'[list.indexOf(job)], context: text(persons) },
    };
  });
}

const digits = (random: Random): string => String(uniformInt(random, 1_000_000, 9_999_999));
const key = (random: Random): string =>
  Array.from({ length: 4 }, () => uniformInt(random, 0x1000, 0xffff).toString(16)).join('-');

/** Sentences about people with needles in between. */
function withNeedles(persons: readonly Person[], needles: readonly string[], random: Random): string {
  return shuffled([...persons.map(story), ...needles], random).join(' ');
}

const helmet = {
  rag: () =>
    items('rag', (random, persons) => {
      const { name, town } = pick(persons, random);
      const ctxs = persons.map((person) => ({ title: person.name, text: story(person) }));
      return { question: `In which town does ${name} live?`, answers: [town], ctxs };
    }),
  json_kv: () =>
    items('json_kv', (random) => {
      const pairs = Array.from({ length: 24 }, () => [key(random), key(random)] as const);
      const [asked, ...demos] = sample(pairs, 3, random) as [
        readonly [string, string],
        ...(readonly [string, string])[],
      ];
      const context = JSON.stringify(Object.fromEntries(pairs));
      return { context, question: asked[0], answer: asked[1], demos, num_kvs: pairs.length };
    }),
  ruler_niah: () =>
    items('ruler_niah', (random, persons) => {
      const number = digits(random);
      const query = pick(ANIMALS, random);
      const context = withNeedles(persons, [`One of the special magic numbers for ${query} is: ${number}.`], random);
      return { context, query, type_needle_v: 'numbers', answer: [number] };
    }),
  ruler_niah_mv: () =>
    items('ruler_niah_mv', (random, persons) => {
      const numbers = Array.from({ length: 4 }, () => digits(random));
      const query = pick(ANIMALS, random);
      const needles = numbers.map((number) => `One of the special magic numbers for ${query} is: ${number}.`);
      return { context: withNeedles(persons, needles, random), query, type_needle_v: 'numbers', answer: numbers };
    }),
  icl: () =>
    items('icl', (random, persons, index) => {
      const labels = shuffled([0, 1, 2, 3], random);
      const shown = [...persons, ...people(random)].map((person, i) => labelled(person, i === 0 ? index % 4 : i % 4));
      const number = (label: string): string => String(labels[(LABELS as readonly string[]).indexOf(label)] ?? '');
      const [last, ...others] = shown;
      const context = others.map(([question, label]) => `${question}\nlabel: ${number(label)}`).join('\n\n');
      return { context, question: last?.[0] ?? '', answer: number(last?.[1] ?? '') };
    }),
};

/** Open questions of two turns each, and reference answers where there is one right answer. */
const chats: readonly (readonly [
  category: string,
  first: string,
  second: string,
  reference?: readonly [string, string],
])[] = [
  [
    'writing',
    'Write a short letter that invites a friend to a village fair.',
    'Rewrite the letter so that no sentence has more than eight words.',
  ],
  ['writing', 'Describe a rainy market day in five sentences.', 'Now describe the same day from the view of a dog.'],
  [
    'roleplay',
    'You are the keeper of a lighthouse. Tell a visitor what your day is like.',
    'The visitor asks whether you are ever afraid. Answer in character.',
  ],
  [
    'reasoning',
    'Anna is taller than Bert. Bert is taller than Cora. Who is the shortest?',
    'Dan is taller than Anna. Who is the tallest of the four?',
    [
      'Cora is the shortest, because Bert is taller than Cora and Anna is taller than Bert.',
      'Dan is the tallest, because Dan is taller than Anna and Anna is taller than the other two.',
    ],
  ],
  [
    'reasoning',
    'A shop opens at nine and closes at half past five, with an hour of rest at noon. How long is it open?',
    'On Saturday it closes at one, with no rest. How long is it open then?',
    [
      'Seven and a half hours: eight and a half from nine to half past five, less one hour of rest.',
      'Four hours, from nine to one.',
    ],
  ],
  [
    'math',
    'What is 17 times 6?',
    'Subtract 39 from the result and divide by 9.',
    ['17 times 6 is 102.', '102 - 39 = 63, and 63 / 9 = 7.'],
  ],
  [
    'math',
    'A field is 40 metres long and 25 metres wide. What is its area?',
    'How long is a fence around it?',
    ['1,000 square metres: 40 times 25.', '130 metres: twice 40 and twice 25.'],
  ],
  [
    'coding',
    'Write a Python function that returns the largest number of a list.',
    'What does it do with an empty list? Make it return None then.',
    [
      'def largest(numbers):\n    return max(numbers)',
      'max() raises ValueError for an empty list.\n\ndef largest(numbers):\n    return max(numbers, default=None)',
    ],
  ],
  [
    'extraction',
    'List the towns in this text: "We went from Ashcombe by way of Dunfell to Oakhurst."',
    'Give the same list in alphabetical order as JSON.',
  ],
  [
    'humanities',
    'Explain in a few sentences why people built town walls.',
    'Name two reasons for which they were torn down later.',
  ],
];

function mtBench() {
  return chats.map(([category, first, second], i) => ({ question_id: i + 1, category, turns: [first, second] }));
}

function mtBenchReferences() {
  return chats.flatMap(([, , , reference], i) =>
    reference === undefined
      ? []
      : [{ question_id: i + 1, model_id: 'reference', choices: [{ index: 0, turns: reference }] }],
  );
}

/** Questions on a long text, each with answers that were rated by their content: whole, half, wrong. */
function longBenchChat() {
  return items('longbench_chat', (random, persons, index) => {
    const { name, town, job, animal, instrument } = pick(persons, random);
    const query = `Who is ${name}? Say where ${name} lives and what ${name} does.`;
    const others = persons.filter((person) => person.name !== name);
    return {
      ...{ idx: index + 1, language: 'en', length: text(persons).length, query },
      prompt: `${text(persons)}\n\n${query}`,
      answer: `${name} is a ${job} in ${town} who plays the ${instrument} and keeps a ${animal}.`,
      rated: [
        { answer: `${name} lives in ${town} and is a ${job}.`, score: 10 },
        { answer: `${name} lives in ${town}.`, score: 5 },
        { answer: `${name} lives in ${pick(others, random).town} and is a ${pick(others, random).job}.`, score: 1 },
      ],
    };
  }).slice(0, 6);
}

/** The sets by file name under resources/evaluation/published. */
export function publishedSets(): Record<string, string> {
  const lines = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const list = (rows: readonly unknown[]): string => `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`;
  const chat = longBenchChat();
  const named = (folder: string, sets: Readonly<Record<string, () => readonly unknown[]>>): [string, string][] =>
    Object.entries(sets).map(([name, make]) => [`${folder}/${name}.jsonl`, lines(make())]);
  return {
    ...Object.fromEntries(named('infinitebench', infiniteBench)),
    ...Object.fromEntries(
      Object.entries(longBench).map(([name, make]) => [
        `longbench/${name}.jsonl`,
        lines(
          make().map(({ input, context, answers, all_classes }, i) => ({
            ...{ input, context, answers, length: context.split(' ').length, dataset: name, language: 'en' },
            ...{ all_classes: all_classes ?? null, _id: `own-${i}` },
          })),
        ),
      ]),
    ),
    'longbench_v2.json': list(longBenchV2()),
    ...Object.fromEntries(named('helmet', helmet)),
    'mt_bench/question.jsonl': lines(mtBench()),
    'mt_bench/reference.jsonl': lines(mtBenchReferences()),
    'longbench_chat/test_cases.json': list(chat.map(({ rated: _rated, ...rest }) => rest)),
    'longbench_chat/few_shots.json': list(chat.map(({ rated }) => rated)),
  };
}
