import { existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { engineEnvironment } from '../../../../src/main/services/cuda/engine-environment.ts';
import { installedFile, libraryFolder } from '../../../../src/main/services/cuda/folder.ts';
import { compareVersions, parseCards } from '../../../../src/main/services/cuda/nvidia.ts';
import { cudaReport, onnxruntimeVersion } from '../../../../src/main/services/cuda/report.ts';
import { PROVIDER_WHEEL, WHEELS } from '../../../../src/main/services/cuda/wheels.ts';
import { fakeMachine } from './fake-machine.ts';

const problemsOf = async (machine: ReturnType<typeof fakeMachine>) =>
  (await cudaReport(machine)).problems.map(({ kind, message }) => [kind, message]);

test('the provider is of exactly the version of onnxruntime-node', () => {
  expect(WHEELS.find(({ name }) => name === PROVIDER_WHEEL)?.version).toBe(onnxruntimeVersion());
  for (const { sha256, files } of WHEELS) {
    for (const hash of [sha256, ...files.map((file) => file.sha256)]) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  }
});

test('one fake card with all libraries can be used', async () => {
  const machine = fakeMachine();
  const report = await cudaReport(machine);
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({
    ...{ usable: true, chosen: 'GPU-00000000', driver: { version: '580.159.04', from: 'nvidia-smi' } },
    cards: [{ name: 'NVIDIA Fake 80GB', computeCapability: '9.0', memoryTotal: 81559 * 2 ** 20 }],
    provider: { installed: onnxruntimeVersion() },
  });
  const env = await engineEnvironment('cuda', machine.env, () => cudaReport(machine));
  expect(env['LD_LIBRARY_PATH']?.split(':')[0]).toBe(libraryFolder(machine.folder));
  expect(env).toMatchObject({
    CUDA_VISIBLE_DEVICES: 'GPU-00000000',
    NVIDIA_TF32_OVERRIDE: '0',
    ORT_DISABLE_TELEMETRY: '1',
  });
});

test('the CPU engine gets the environment as it is, and no telemetry', async () => {
  const env = { PATH: '/bin' };
  expect(await engineEnvironment('cpu', env)).toEqual({ ...env, ORT_DISABLE_TELEMETRY: '1' });
});

test.each([
  ['win32 x64', /has no CUDA provider for Windows/],
  ['darwin arm64', /need Linux on x86-64; this is darwin arm64/],
])('%s: the platform is named', async (platform, message) => {
  const { usable, problems } = await cudaReport({ ...fakeMachine(), platform });
  expect(usable).toBe(false);
  expect(problems.map((problem) => problem.message)).toEqual([expect.stringMatching(message)]);
});

test('no driver', async () => {
  expect(await problemsOf(fakeMachine({ withoutNvidiaSmi: true }))).toEqual([
    ['no_driver', 'There is no NVIDIA driver on this machine (neither nvidia-smi nor /proc/driver/nvidia).'],
  ]);
});

test('a driver that does not answer, and one without cards', async () => {
  const failed = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure it runs.";
  expect(await problemsOf(fakeMachine({ failure: failed }))).toEqual([
    ['driver_failed', expect.stringContaining("couldn't communicate")],
  ]);
  expect(await problemsOf(fakeMachine({ failure: 'No devices were found' }))).toEqual([
    ['no_card', 'The NVIDIA driver finds no card: No devices were found.'],
  ]);
});

test('without nvidia-smi the kernel module tells version and cards', async () => {
  const machine = fakeMachine({ withoutNvidiaSmi: true });
  mkdirSync(join(machine.proc, 'gpus', '0000:01:00.0'), { recursive: true });
  writeFileSync(
    join(machine.proc, 'version'),
    'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.12.01  Release Build\n',
  );
  writeFileSync(
    join(machine.proc, 'gpus', '0000:01:00.0', 'information'),
    'Model: \t\t NVIDIA Fake\nGPU UUID: \t GPU-77\n',
  );
  const report = await cudaReport(machine);
  expect(report.driver).toEqual({ version: '570.12.01', from: '/proc/driver/nvidia' });
  expect(report.cards).toMatchObject([{ name: 'NVIDIA Fake', uuid: 'GPU-77' }]);
  expect(report.problems.map(({ kind }) => kind)).toEqual(['old_driver']);
});

test('too old a driver', async () => {
  expect(await problemsOf(fakeMachine({ cards: [{ driver: '550.54.15' }] }))).toEqual([
    ['old_driver', 'The NVIDIA driver 550.54.15 is too old for CUDA 13; 580.65.06 or newer is needed.'],
  ]);
});

test('a card without bfloat16', async () => {
  expect(await problemsOf(fakeMachine({ cards: [{ capability: '7.5', name: 'Tesla Fake' }] }))).toEqual([
    [
      'no_bfloat16',
      'Card 0 (Tesla Fake) cannot compute in bfloat16: its compute capability is 7.5, 8.0 or more is needed.',
    ],
  ]);
});

test('of two cards one has to be chosen, by number or UUID', async () => {
  const cards = [{ uuid: 'GPU-aaaa' }, { uuid: 'GPU-bbbb', name: 'Other' }];
  expect(await problemsOf(fakeMachine({ cards }))).toEqual([
    ['choose_card', 'There are 2 NVIDIA cards and none was chosen: 0 (NVIDIA Fake 80GB), 1 (Other).'],
  ]);
  for (const env of [
    { LONGHAND_CUDA_DEVICE: '1' },
    { LONGHAND_CUDA_DEVICE: 'GPU-bbbb' },
    { CUDA_VISIBLE_DEVICES: '1' },
    { CUDA_VISIBLE_DEVICES: '0', LONGHAND_CUDA_DEVICE: '1' },
  ]) {
    expect(await cudaReport(fakeMachine({ cards, env: env }))).toMatchObject({
      usable: true,
      chosen: 'GPU-bbbb',
    });
  }
  expect(await problemsOf(fakeMachine({ cards, env: { LONGHAND_CUDA_DEVICE: '2' } }))).toEqual([
    [
      'unknown_card',
      'LONGHAND_CUDA_DEVICE is "2", which names none of the NVIDIA cards: 0 (NVIDIA Fake 80GB), 1 (Other).',
    ],
  ]);
});

test('memory that others hold is told with their names, our own engine is no stranger', async () => {
  const cards = [{ total: 81559, used: 81000 }];
  const apps = 'GPU-00000000, 4711, 70000, /usr/bin/python3\nGPU-00000000, 12, 11000, node';
  expect(await problemsOf(fakeMachine({ cards, apps }))).toEqual([
    [
      'memory_taken',
      'The memory of card 0 (NVIDIA Fake 80GB) is taken: 0.5 of 79.6 GiB are free; /usr/bin/python3 (process 4711) holds 68.4 GiB, node (process 12) holds 10.7 GiB.',
    ],
  ]);
  expect((await cudaReport({ ...fakeMachine({ cards, apps }), ownPids: [12] })).usable).toBe(true);
});

test('nothing installed is one sentence; a missing, damaged or other library is named', async () => {
  expect(await problemsOf(fakeMachine({ libraries: false }))).toEqual([
    ['provider', `The CUDA provider of ONNX Runtime ${onnxruntimeVersion()} is not installed.`],
  ]);

  const machine = fakeMachine();
  const library = (name: string): string => join(libraryFolder(machine.folder), name);
  rmSync(library('libcurand.so.10'));
  truncateSync(library('libcudart.so.13'), 1000);
  rmSync(library('libcublas.so.13'));
  writeFileSync(join(machine.env['LD_LIBRARY_PATH'] ?? '', 'libcublas.so.12'), '');
  const found = (await problemsOf(machine)).map(([, message]) => message);
  expect(found).toEqual([
    expect.stringMatching(/^The library libcublas.so.13 \(nvidia-cublas .*only another version.*libcublas.so.12\.$/),
    expect.stringMatching(/^The library libcudart.so.13 \(.*\) is not the one of nvidia-cuda-runtime/),
    expect.stringMatching(/^The library libcurand.so.10 \(nvidia-curand .*\) is missing\.$/),
  ]);

  writeFileSync(installedFile(machine.folder), JSON.stringify({ versions: { [PROVIDER_WHEEL]: '1.29.0' } }));
  expect(await problemsOf(machine)).toEqual([
    [
      'provider',
      `The installed CUDA provider is of ONNX Runtime 1.29.0, but this Longhand uses ${onnxruntimeVersion()}.`,
    ],
  ]);
});

test('the libraries of an installed toolkit are used', async () => {
  const machine = fakeMachine();
  const name = 'libcurand.so.10';
  rmSync(join(libraryFolder(machine.folder), name));
  const toolkit = machine.env['LD_LIBRARY_PATH'] ?? '';
  writeFileSync(join(toolkit, name), '');
  const report = await cudaReport(machine);
  expect(report.usable).toBe(true);
  expect(report.libraries.find(({ file }) => file === name)).toMatchObject({ path: join(toolkit, name) });
});

test('CUDA asked for and not usable is an error with the reason', async () => {
  const machine = fakeMachine({ cards: [{ driver: '470.1' }], libraries: false });
  await expect(engineEnvironment('cuda', machine.env, () => cudaReport(machine))).rejects.toMatchObject({
    code: 'unavailable',
    message:
      'CUDA cannot be used: The NVIDIA driver 470.1 is too old for CUDA 13; 580.65.06 or newer is needed. (and 1 more: see longhand doctor)',
    hint: expect.stringContaining('newer driver') as string,
  });
});

test("this machine's own report does not throw", async () => {
  const { problems, usable } = await cudaReport();
  expect(usable).toBe(problems.length === 0);
  if (!existsSync('/proc/driver/nvidia')) expect(usable).toBe(false);
});

test('whatever nvidia-smi prints, cards are whole', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (gpus, apps) => {
      for (const card of parseCards(gpus, apps).cards) {
        expect(Number.isFinite(card.index)).toBe(true);
        expect(card.memoryUsed === null || card.memoryUsed >= 0).toBe(true);
      }
    }),
  );
  const names = 'GPU-1, 5, [N/A], a, b';
  expect(parseCards('0, GPU-1, X, 580.1, [N/A], 12, [N/A]', names)).toEqual({
    driver: '580.1',
    cards: [
      {
        ...{ index: 0, uuid: 'GPU-1', name: 'X', computeCapability: null, memoryTotal: null, memoryUsed: 12 * 2 ** 20 },
        processes: [{ pid: 5, name: 'a,b', memory: null }],
      },
    ],
  });
});

test('versions are compared number by number', () => {
  expect(compareVersions('580.65.06', '580.65.06')).toBe(0);
  expect(compareVersions('580.159.04', '580.65.06')).toBeGreaterThan(0);
  expect(compareVersions('99.1', '580.65.06')).toBeLessThan(0);
  expect(compareVersions('580', '580.65')).toBeLessThan(0);
});
