"""Checks an ONNX file with onnx's own checker, shape inference included, and prints its constants as JSON.

{"missing": true} when the onnx package is not there. Numbers are hexadecimal floats or integers, so that they are exact.
"""

import json
import sys

try:
    import onnx
    from onnx import numpy_helper
except ImportError:
    print(json.dumps({"missing": True}))
    sys.exit()

model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)


def number(x):
    return int(x) if isinstance(x, (bool, int)) else float(x).hex()


def constant(tensor):
    array = numpy_helper.to_array(tensor)
    if array.dtype.kind not in "biuf" or array.dtype.name == "bfloat16":
        array = array.astype("float32")
    name = onnx.TensorProto.DataType.Name(tensor.data_type)
    return {"dtype": name, "shape": list(array.shape), "data": [number(x) for x in array.reshape(-1).tolist()]}


def dims(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


print(
    json.dumps(
        {
            "opset": {entry.domain: entry.version for entry in model.opset_import},
            "inputs": {value.name: dims(value) for value in model.graph.input},
            "outputs": {value.name: dims(value) for value in model.graph.output},
            "constants": [constant(tensor) for tensor in model.graph.initializer],
        }
    )
)
