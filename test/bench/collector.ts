/** Loaded before a program that is measured, with `--expose-gc`: SIGUSR2 collects its garbage. */
process.on('SIGUSR2', () => void globalThis.gc?.())
