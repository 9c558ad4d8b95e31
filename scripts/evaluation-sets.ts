/**
 * Writes the small sets under resources/evaluation/sets: questions of our own in the published forms of MMLU, ARC,
 * HellaSwag and Winogrande, so that every form can be measured at once and without a network. They say little about a
 * model's rank; they show whether it lost what it could do. `node scripts/evaluation-sets.ts` writes them again.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { randomStream, shuffled } from '../src/main/engine/random.ts';
import { sample } from '../src/main/engine/evaluation/ruler/draw.ts';
import { publishedSets } from './published-sets.ts';

const ITEMS = 120;
/** Worked examples of a form: as many as its usual few-shot form takes. */
const EXAMPLES = { mmlu: 5, arc: 25, hellaswag: 10, winogrande: 5 } as const;

/** Facts of one kind: a question about the first word, answered with the second. */
const facts: readonly { readonly ask: string; readonly pairs: string }[] = [
  {
    ask: 'What is the capital of {}?',
    pairs:
      'France=Paris;Italy=Rome;Spain=Madrid;Germany=Berlin;Japan=Tokyo;Egypt=Cairo;Greece=Athens;Portugal=Lisbon;Austria=Vienna;Norway=Oslo;Poland=Warsaw;Hungary=Budapest;Ireland=Dublin;Cuba=Havana;Peru=Lima;Kenya=Nairobi;Sweden=Stockholm;Finland=Helsinki;Thailand=Bangkok;China=Beijing',
  },
  {
    ask: 'Which word means the opposite of "{}"?',
    pairs:
      'hot=cold;big=small;early=late;wet=dry;loud=quiet;rich=poor;full=empty;heavy=light;open=closed;young=old;near=far;hard=soft;deep=shallow;sharp=blunt;sweet=bitter;fast=slow;strong=weak;dark=bright;thick=thin;clean=dirty',
  },
  {
    ask: 'What is a young {} called?',
    pairs:
      'dog=puppy;cat=kitten;cow=calf;horse=foal;sheep=lamb;goat=kid;hen=chick;duck=duckling;goose=gosling;swan=cygnet;bear=cub;deer=fawn;kangaroo=joey;frog=tadpole;pig=piglet;owl=owlet',
  },
  {
    ask: 'What does a {} work with most of all?',
    pairs:
      'baker=flour and an oven;carpenter=wood and a saw;tailor=cloth and thread;fisherman=nets and a boat;painter=brushes and colours;gardener=plants and soil;librarian=books and shelves;blacksmith=iron and fire;surgeon=a scalpel and bandages;photographer=a camera and lenses;potter=clay and a wheel;miner=coal and lamps;shepherd=sheep and pastures;pilot=an aeroplane and charts',
  },
  {
    ask: 'Which of these is used for {}?',
    pairs:
      'measuring temperature=a thermometer;telling the time=a clock;looking at the stars=a telescope;seeing very small things=a microscope;cutting paper=scissors;weighing fruit=a scale;finding north=a compass;driving in nails=a hammer;sweeping the floor=a broom;digging a hole=a spade;boiling water=a kettle;writing a letter=a pen;opening a lock=a key;climbing onto a roof=a ladder;keeping food cold=a refrigerator;staying dry in the rain=an umbrella',
  },
];

/** What is done, the start of it, a next step, and how it ends. */
const processes =
  `Making tea|A woman fills a kettle and puts it on the stove.|she|waits until the water boils and pours it over the leaves.
Washing a car|A man sprays a dusty car with water from a hose.|he|rubs it with a soapy sponge and rinses off the foam.
Planting a tree|Two children dig a deep hole in the garden.|they|set the young tree into the hole and fill it with earth.
Baking bread|A baker kneads the dough on a floured table.|he|lets it rise, shapes a loaf and puts it into the oven.
Mending a bicycle tyre|A girl takes the wheel off her bicycle.|she|pulls out the tube, finds the hole and glues a patch on it.
Brushing a dog|A boy kneels beside a shaggy dog.|he|draws the brush through its fur until the knots are gone.
Painting a fence|An old man opens a tin of white paint.|he|dips the brush and paints one board after another.
Sharpening a pencil|A pupil notices that her pencil is blunt.|she|turns it in the sharpener until the point is fine.
Posting a letter|A clerk folds the letter and puts it into an envelope.|he|sticks a stamp on it and drops it into the letter box.
Lighting a campfire|Three hikers pile up dry twigs and logs.|they|strike a match and blow gently until the wood burns.
Shovelling snow|A neighbour steps out after a night of snow.|she|pushes the shovel along the path and throws the snow aside.
Tuning a guitar|A musician plucks the lowest string and listens.|he|turns the peg until the note is right.
Ironing a shirt|A man spreads a wrinkled shirt on the board.|he|moves the hot iron over the cloth until it is smooth.
Catching a fish|A boy puts a worm on the hook.|he|throws out the line and waits for a bite.
Sewing on a button|A tailor threads a needle with strong yarn.|she|pushes it through the holes of the button and the cloth.
Hanging a picture|A woman marks a spot on the wall.|she|hammers in a nail and hangs the frame on it.
Making a salad|A cook washes lettuce and tomatoes.|he|cuts them up and stirs in oil and vinegar.
Changing a light bulb|The lamp in the hall has gone out.|she|climbs a ladder, unscrews the old bulb and puts in a new one.
Feeding hens|A farmer carries a bucket of grain to the yard.|he|scatters it on the ground and the hens run up to peck.
Building a sandcastle|Two sisters fill their pails with wet sand.|they|turn them over, pat the towers and dig a moat.
Packing a suitcase|A traveller lays his clothes on the bed.|he|folds them, puts them into the case and closes the lid.
Wrapping a present|A mother cuts a sheet of coloured paper.|she|folds it round the box and ties a ribbon.
Taking a photograph|A visitor stands in front of the cathedral with a camera.|he|looks through the finder and presses the button.
Borrowing a book|A student finds a novel on the shelf of the library.|she|carries it to the desk and has it stamped.`
    .split('\n')
    .map((line) => line.split('|') as [string, string, string, string]);

/** A sentence with a gap that the first noun fills, and one that the second fills. */
const gaps: readonly (readonly [string, string, string, string])[] = [
  [
    'The {a} did not fit into the {b} because the _ was too ',
    'large',
    'small',
    'trophy/suitcase;chair/car;piano/lift;statue/box;mattress/van;kite/drawer',
  ],
  [
    'The {a} fell through the {b} because the _ was so ',
    'heavy',
    'thin',
    'stone/ice;anvil/table;safe/floor;rock/roof;barrel/boards;horse/bridge',
  ],
  [
    'The {a} could not catch the {b} because the _ was too ',
    'slow',
    'fast',
    'cat/mouse;fox/hare;dog/squirrel;policeman/thief;boy/ball;wolf/deer',
  ],
  [
    'The {a} thanked the {b} because the _ had been ',
    'helped',
    'helpful',
    'pupil/teacher;patient/nurse;guest/waiter;tourist/guide;widow/lawyer;sailor/captain',
  ],
  [
    'The {a} could not lift the {b} because the _ was too ',
    'weak',
    'heavy',
    'boy/anvil;girl/trunk;child/bucket;clerk/safe;monk/bell;grandfather/sack',
  ],
  [
    'We bought the {a} and not the {b} because the _ was ',
    'cheaper',
    'dearer',
    'lamp/mirror;red coat/blue coat;tent/caravan;old desk/new desk;pears/grapes;bicycle/scooter',
  ],
  [
    'The {a} hid from the {b} because the _ was ',
    'afraid',
    'angry',
    'kitten/dog;child/giant;mouse/owl;servant/king;rabbit/hunter;clown/bear',
  ],
  [
    'She poured water from the {a} into the {b} until the _ was ',
    'empty',
    'full',
    'jug/glass;bucket/tub;kettle/teapot;bottle/vase;can/barrel;pail/trough',
  ],
  [
    'The {a} shouted at the {b} because the _ could not be ',
    'calmed',
    'heard',
    'driver/cyclist;cook/waiter;fan/referee;skipper/mate;coach/runner;farmer/boy',
  ],
  [
    'He put the {a} on the {b} because the _ was ',
    'wet',
    'dry',
    'coat/radiator;towel/rack;hat/stove;boots/mat;shirt/line;gloves/heater',
  ],
];

function questions(): { question: string; choices: string[]; answer: number }[] {
  const random = randomStream(11, 'sets', 'questions');
  const all = facts.flatMap(({ ask, pairs }) => {
    const list = pairs.split(';').map((pair) => pair.split('=') as [string, string]);
    return list.map(([word, right]) => {
      const wrong = sample(
        list.flatMap(([, other]) => (other === right ? [] : [other])),
        3,
        random,
      );
      const choices = shuffled([right, ...wrong], random);
      return { question: ask.replace('{}', word), choices, answer: choices.indexOf(right) };
    });
  });
  for (let a = 12; a < 55; a += 1) {
    const b = 3 + ((a * 7) % 23);
    const right = a + b;
    const choices = shuffled([right, right + 1, right - 2, right + 10].map(String), random);
    all.push({ question: `What is ${a} + ${b}?`, choices, answer: choices.indexOf(String(right)) });
  }
  return shuffled(all, random);
}

function endings() {
  const random = randomStream(11, 'sets', 'endings');
  const items = Array.from({ length: 6 }, () => processes).flatMap((round) =>
    round.map((process) => {
      const [activity_label, ctx_a, ctx_b, right] = process;
      const wrong = sample(
        processes.flatMap((other) => (other === process ? [] : [other[3]])),
        3,
        random,
      );
      const list = shuffled([right, ...wrong], random);
      return { activity_label, ctx_a, ctx_b, endings: list, label: String(list.indexOf(right)) };
    }),
  );
  return shuffled(items, random);
}

function sentences() {
  const random = randomStream(11, 'sets', 'sentences');
  const items = gaps.flatMap(([start, first, second, pairs]) =>
    pairs.split(';').flatMap((pair) => {
      const [a = '', b = ''] = pair.split('/');
      const sentence = start.replace('{a}', a).replace('{b}', b);
      return [first, second].map((word, i) => {
        const swapped = (a.length + b.length + i) % 2 === 0;
        return {
          sentence: `${sentence}${word}.`,
          ...(swapped ? { option1: b, option2: a } : { option1: a, option2: b }),
          answer: (i === 0) === swapped ? '2' : '1',
        };
      });
    }),
  );
  return shuffled(items, random);
}

/** The sets by file name: the questions, and the worked examples apart from them. */
export function evaluationSets(): Record<string, string> {
  const asked = questions();
  const mmlu = asked.map((item) => ({ ...item, subject: 'common_knowledge' }));
  const arc = asked.map(({ question, choices, answer }, i) => ({
    id: `own_${i}`,
    question,
    choices: { text: choices, label: ['A', 'B', 'C', 'D'] },
    answerKey: 'ABCD'[answer],
  }));
  const lines = (items: readonly unknown[]): string => items.map((item) => `${JSON.stringify(item)}\n`).join('');
  return Object.fromEntries(
    Object.entries({ mmlu, arc, hellaswag: endings(), winogrande: sentences() }).flatMap(([name, items]) => {
      const examples = EXAMPLES[name as keyof typeof EXAMPLES]; // the same four names
      return [
        [`${name}.jsonl`, lines(items.slice(0, Math.min(ITEMS, items.length - examples)))],
        [`${name}-examples.jsonl`, lines(items.slice(-examples))],
      ];
    }),
  );
}

if (import.meta.main) {
  const folder = join(import.meta.dirname, '../resources/evaluation');
  for (const [kind, sets] of Object.entries({ sets: evaluationSets(), published: publishedSets() })) {
    for (const [name, text] of Object.entries(sets)) {
      const path = join(folder, kind, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
}
