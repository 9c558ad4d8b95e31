import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { ONNX_DTYPE } from './dtype.ts';
import type { Attribute, ConstantTensor, ExternalData, Initializer, Node, Value } from './graph.ts';
import { CONTRIB_DOMAIN, Graph } from './graph.ts';
import { liveParts } from './live.ts';
import type { Live } from './live.ts';

/** Operator set and file format written; onnxruntime 1.30 reads both. */
export const OPSET = 21;
const IR_VERSION = 10;

/** Field numbers of onnx.proto (onnx/onnx.proto, version IR 10). */
const MODEL = { irVersion: 1, producerName: 2, graph: 7, opsetImport: 8 } as const;
const OPERATOR_SET = { domain: 1, version: 2 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12, valueInfo: 13 } as const;
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, f: 2, i: 3, s: 4, t: 5, g: 6, ints: 8, type: 20 } as const;
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, ints: 7 } as const;
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9, externalData: 13, dataLocation: 14 } as const;
const VALUE_INFO = { name: 1, type: 2 } as const;
const TYPE = { tensorType: 1 } as const;
const TENSOR_TYPE = { elemType: 1, shape: 2 } as const;
const EXTERNAL = 1;

function message(writer: BinaryWriter, field: number, fill: (writer: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  fill(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function int(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function rawBytes(tensor: ConstantTensor): Uint8Array {
  const list = Array.from(tensor.data);
  switch (tensor.dtype) {
    case 'float32':
      return new Uint8Array(Float32Array.from(list).buffer);
    case 'float64':
      return new Uint8Array(Float64Array.from(list).buffer);
    case 'int32':
      return new Uint8Array(Int32Array.from(list).buffer);
    case 'int64':
      return new Uint8Array(BigInt64Array.from(list, (x) => BigInt(x)).buffer);
    case 'uint8':
      return Uint8Array.from(list);
    case 'bool':
      return Uint8Array.from(list, (x) => (x === 0 ? 0 : 1));
    case 'float16':
      return new Uint8Array(Float16Array.from(list).buffer);
    case 'bfloat16': {
      const bits = new Uint32Array(Float32Array.from(list).buffer);
      // Round to nearest even on the upper half; constants are small and finite.
      return new Uint8Array(Uint16Array.from(bits, (x) => (x + 0x7fff + ((x >>> 16) & 1)) >>> 16).buffer);
    }
  }
}

function isExternal(data: ConstantTensor | ExternalData): data is ExternalData {
  return 'path' in data;
}

function writeTensor(writer: BinaryWriter, tensor: ConstantTensor, name?: string): void {
  for (const dim of tensor.shape) int(writer, TENSOR.dims, dim);
  int(writer, TENSOR.dataType, ONNX_DTYPE[tensor.dtype]);
  if (name !== undefined) text(writer, TENSOR.name, name);
  writer.tag(TENSOR.rawData, WireType.LengthDelimited).bytes(rawBytes(tensor));
}

function writeInitializer(writer: BinaryWriter, { value, data }: Initializer): void {
  if (!isExternal(data)) {
    writeTensor(writer, data, value.name);
    return;
  }
  for (const dim of value.shape) int(writer, TENSOR.dims, Number(dim));
  int(writer, TENSOR.dataType, ONNX_DTYPE[value.dtype]);
  text(writer, TENSOR.name, value.name);
  const entries = { location: data.path, offset: String(data.offset), length: String(data.length) };
  for (const [key, entry] of Object.entries(entries)) {
    message(writer, TENSOR.externalData, (w) => {
      text(w, 1, key);
      text(w, 2, entry);
    });
  }
  int(writer, TENSOR.dataLocation, EXTERNAL);
}

function writeAttribute(writer: BinaryWriter, name: string, value: Attribute, live: Live): void {
  text(writer, ATTRIBUTE.name, name);
  const type = (kind: number): void => void writer.tag(ATTRIBUTE.type, WireType.Varint).int32(kind);
  if (value instanceof Graph) {
    message(writer, ATTRIBUTE.g, (w) => {
      writeGraph(w, value, live);
    });
    type(ATTRIBUTE_TYPE.graph);
  } else if (typeof value === 'string') {
    if (name === 'to') {
      int(writer, ATTRIBUTE.i, ONNX_DTYPE[value as keyof typeof ONNX_DTYPE]);
      type(ATTRIBUTE_TYPE.int);
    } else {
      text(writer, ATTRIBUTE.s, value);
      type(ATTRIBUTE_TYPE.string);
    }
  } else if (typeof value === 'number' || typeof value === 'boolean') {
    int(writer, ATTRIBUTE.i, Number(value));
    type(ATTRIBUTE_TYPE.int);
  } else if ('float' in value) {
    writer.tag(ATTRIBUTE.f, WireType.Bit32).float(value.float);
    type(ATTRIBUTE_TYPE.float);
  } else if ('dtype' in value) {
    message(writer, ATTRIBUTE.t, (w) => {
      writeTensor(w, value);
    });
    type(ATTRIBUTE_TYPE.tensor);
  } else {
    for (const item of value) int(writer, ATTRIBUTE.ints, item);
    type(ATTRIBUTE_TYPE.ints);
  }
}

/** Without the norm's second output where nobody reads it: it is optional, and would live to the end of the run. */
function writtenOutputs({ opType, outputs }: Node, live: Live): readonly Value[] {
  return opType === 'SimplifiedLayerNormalization'
    ? outputs.filter((value, i) => i === 0 || live.values.has(value))
    : outputs;
}

function writeNode(writer: BinaryWriter, node: Node, live: Live): void {
  for (const value of node.inputs) text(writer, NODE.input, value?.name ?? '');
  for (const value of writtenOutputs(node, live)) text(writer, NODE.output, value.name);
  text(writer, NODE.name, node.name);
  text(writer, NODE.opType, node.opType);
  for (const [name, value] of Object.entries(node.attributes)) {
    message(writer, NODE.attribute, (w) => {
      writeAttribute(w, name, value, live);
    });
  }
  if (node.domain !== '') text(writer, NODE.domain, node.domain);
}

function writeValueInfo(writer: BinaryWriter, name: string, { dtype, shape }: Pick<Value, 'dtype' | 'shape'>): void {
  text(writer, VALUE_INFO.name, name);
  message(writer, VALUE_INFO.type, (type) => {
    message(type, TYPE.tensorType, (tensor) => {
      int(tensor, TENSOR_TYPE.elemType, ONNX_DTYPE[dtype]);
      message(tensor, TENSOR_TYPE.shape, (dims) => {
        for (const dim of shape) {
          message(dims, 1, (w) => {
            // Only plain symbols cross: an expression would be taken for a name of its own by the runtime.
            if (typeof dim === 'number') int(w, 1, dim);
            else if (/^[A-Za-z]\w*$/.test(dim)) text(w, 2, dim);
          });
        }
      });
    });
  });
}

function writeGraph(writer: BinaryWriter, graph: Graph, live: Live): void {
  for (const node of graph.nodes)
    if (live.nodes.has(node))
      message(writer, GRAPH.node, (w) => {
        writeNode(w, node, live);
      });
  text(writer, GRAPH.name, graph.label);
  for (const item of graph.initializers)
    message(writer, GRAPH.initializer, (w) => {
      writeInitializer(w, item);
    });
  for (const value of graph.inputs)
    message(writer, GRAPH.input, (w) => {
      writeValueInfo(w, value.name, value);
    });
  for (const { name, value } of graph.outputs)
    message(writer, GRAPH.output, (w) => {
      writeValueInfo(w, name, value);
    });
  for (const [value, shape] of graph.annotations)
    if (live.values.has(value))
      message(writer, GRAPH.valueInfo, (w) => {
        writeValueInfo(w, value.name, { dtype: value.dtype, shape });
      });
}

/**
 * The graph as ONNX ModelProto bytes, without what no output depends on. Weights marked external stay in their files.
 */
export function encodeModel(graph: Graph): Uint8Array {
  const writer = new BinaryWriter();
  int(writer, MODEL.irVersion, IR_VERSION);
  text(writer, MODEL.producerName, 'longhand');
  message(writer, MODEL.graph, (w) => {
    writeGraph(w, graph, liveParts(graph));
  });
  for (const [domain, version] of [
    ['', OPSET],
    [CONTRIB_DOMAIN, 1],
  ] as const) {
    message(writer, MODEL.opsetImport, (w) => {
      text(w, OPERATOR_SET.domain, domain);
      int(w, OPERATOR_SET.version, version);
    });
  }
  return writer.finish();
}
