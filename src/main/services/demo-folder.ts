import { fileURLToPath } from 'node:url';

/** The bundled demo: model, documents and question sets. */
export const demoFolder = fileURLToPath(new URL('../../../resources/demo', import.meta.url));
