import { join } from 'node:path';
import { applicationFolder } from '../files/application-folder.ts';

/**
 * The bundled demo: model, documents and question sets. In a packaged application it lies beside the archive, since ONNX
 * Runtime reads the weights itself.
 */
export const demoFolder = join(applicationFolder().replace(/app\.asar$/, 'app.asar.unpacked'), 'resources', 'demo');
