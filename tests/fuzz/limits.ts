/** What one damaged file may take. */
export const limits = {
  /** Processor time of the process. */
  seconds: 2,
  /** Time without an end while nothing computes: a promise that nobody settles. */
  idleSeconds: 30,
  /** Resident memory of the whole process, the runtime and all parsers' code included. */
  memoryMiB: 512,
} as const;
