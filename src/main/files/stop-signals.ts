/** What a terminal, or whatever ends a process group in order, sends: the person's wish and no crash. */
export const stopSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
