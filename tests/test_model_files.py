"""Files of models: what Keras has saved is loaded as it was; anything else is one line, and nothing in it is run.

Each hostile file would make a file of its own, `TOUCHED`, if anything in it was executed.
"""

import base64
import io
import json
import marshal
import pickle
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from pipeline.core.model_files.content import BEGINNINGS
from pipeline.core.model_files.reading import read_model, read_model_file
from pipeline.runtime.errors import InputError

layers = keras.layers
IMAGES = np.random.default_rng(0).normal(size=(3, 12, 12, 1)).astype(np.float32)
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
KERAS = "keras.layers"


def cnn(*more: keras.Layer) -> keras.Model:
    """A CNN with many kinds of layers, trained for one step, so that it was compiled and has moved."""
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((12, 12, 1), name="picture")
    for layer in (layers.Rescaling(0.5, 0.1), layers.Conv2D(4, 3, activation="gelu"), layers.BatchNormalization()):
        x = layer(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation=keras.activations.swish)(layers.ReLU()(x))
    x = layers.Add()([x, y])
    for layer in (*more, layers.Dropout(0.5), layers.GlobalAveragePooling2D()):
        x = layer(x)
    model = keras.Model(inputs, layers.Dense(3, "softmax", kernel_regularizer="l2")(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(IMAGES, np.array([0, 1, 2]), verbose=0)
    return model


def sequential() -> keras.Model:
    keras.utils.set_random_seed(2)
    normalization = layers.Normalization()
    normalization.adapt(IMAGES)
    return keras.Sequential(
        [keras.Input((12, 12, 1)), normalization, layers.RandomFlip(), layers.Conv2D(2, 3), layers.PReLU(),
         layers.GaussianNoise(0.2), layers.Flatten(), layers.Dense(2)]
    )  # fmt: skip


def nested() -> keras.Model:
    keras.utils.set_random_seed(3)
    backbone = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(32, 32, 3), alpha=0.35)
    return keras.Sequential([keras.Input((32, 32, 3)), backbone, layers.GlobalMaxPooling2D(), layers.Dense(2)])


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a good model. Not to be changed."""
    path = tmp_path_factory.mktemp("saved") / "good.keras"
    cnn().save(path)
    return path


def refusal(path: Path, **more: Any) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(InputError) as caught:
        read_model(path, **more)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(("model.path: takes", "model.custom: takes", "model.weights: takes"))
    return message


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, files: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def changed(saved: Path, path: Path, change: Callable[[Any], Any]) -> Path:
    """A copy of a .keras file with another description."""
    files = members(saved)
    config = json.loads(files[CONFIG])
    config = change(config) or config
    return packed(path, files | {CONFIG: json.dumps(config)})


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("make", [cnn, sequential, nested])
def test_a_model_is_loaded_as_it_was(tmp_path: Path, make: Callable[[], keras.Model], suffix: str) -> None:
    model = make()
    model.save(tmp_path / f"model{suffix}")
    images = np.random.default_rng(1).normal(size=(4, *model.input_shape[1:])).astype(np.float32)
    loaded = read_model(tmp_path / f"model{suffix}")
    np.testing.assert_array_equal(loaded(images, training=False), model(images, training=False))
    assert not loaded.compiled


def test_operations_that_are_no_layers_are_loaded(tmp_path: Path) -> None:
    inputs = keras.Input((12, 12, 1))
    model = keras.Model(inputs, keras.ops.relu(inputs / 2.0 - 0.5) * inputs)
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(read_model(tmp_path / "m.keras")(IMAGES), model(IMAGES))


def test_the_same_content_is_the_same_model_in_a_process(saved: Path, tmp_path: Path) -> None:
    copy = tmp_path / "other.keras"
    copy.write_bytes(saved.read_bytes())
    assert read_model_file(copy).model is read_model_file(saved).model
    digest = read_model_file(copy).digest
    sequential().save(copy)
    assert read_model_file(copy).digest != digest
    assert [layer.name for layer in read_model(copy).layers] != [layer.name for layer in read_model(saved).layers]


def test_a_file_is_known_by_its_content_and_not_by_its_name(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(saved.read_bytes())
    assert read_model(path).count_params() == read_model(saved).count_params()


def test_weights_are_loaded_into_the_layers_that_they_are_of(tmp_path: Path) -> None:
    model, other = cnn(), cnn()
    other.layers[-1].bias.assign([1.0, 2.0, 3.0])
    other.save_weights(tmp_path / "other.weights.h5")
    loaded = read_model(tmp_path / "other.weights.h5", architecture=model)
    assert loaded is model
    np.testing.assert_array_equal(np.asarray(model(IMAGES)), np.asarray(other(IMAGES)))
    message = refusal(tmp_path / "other.weights.h5", architecture=sequential())
    assert "model.weights: takes" in message
    other = keras.Sequential([keras.Input((12, 12, 1)), layers.Conv2D(7, 3), layers.Flatten(), layers.Dense(2)])
    other.save_weights(tmp_path / "w.weights.h5")
    fewer = keras.Sequential([keras.Input((12, 12, 1)), layers.Conv2D(6, 3), layers.Flatten(), layers.Dense(2)])
    assert "of other layers" in refusal(tmp_path / "w.weights.h5", architecture=fewer)
    assert "model=article" in refusal(tmp_path / "w.weights.h5")
    other.save(tmp_path / "whole.keras")
    assert "a whole model" in refusal(tmp_path / "whole.keras", architecture=fewer)


# what is no model of Keras

OTHERS: dict[str, tuple[bytes, str]] = {
    "text.keras": (b"hello, I am a model", "a text"),
    "empty.keras": (b"", "an empty file"),
    "model.onnx": (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0", "onnx2tf"),
    "model.pt": (pickle.dumps({"a": 1}), "PyTorch"),
    "model.pkl": (pickle.dumps({"a": 1}), "a pickle, which is not opened"),
    "model.tflite": (b"\x1c\x00\x00\x00TFL3" + bytes(90), "TFLite"),
    "model.safetensors": ((2).to_bytes(8, "little") + b'{"a": 1}', "safetensors"),
    "picture.keras": (b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG picture"),
    "noise.keras": (bytes(range(1, 255)) * 4, "no model"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_file_is_told_what_it_is(tmp_path: Path, name: str) -> None:
    content, says = OTHERS[name]
    (tmp_path / name).write_bytes(content)
    assert says in refusal(tmp_path / name)


def test_files_in_a_zip_or_folder_are_told_what_they_are(tmp_path: Path, saved: Path) -> None:
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    assert "arrays of NumPy" in refusal(tmp_path / "arrays.npz")
    assert "PyTorch" in refusal(packed(tmp_path / "model.pth", {"archive/data.pkl": b"", "archive/data/0": b""}))
    assert "no model of Keras" in refusal(packed(tmp_path / "letters.zip", {"a.txt": "a"}))
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = np.zeros(3)
    assert "no model of Keras" in refusal(tmp_path / "data.h5")
    assert "a folder" in refusal(tmp_path)
    read_model(saved).export(tmp_path / "exported", verbose=False)
    assert "a SavedModel" in refusal(tmp_path / "exported")
    assert "unpacked" in refusal(packed_folder(saved, tmp_path / "unpacked"))
    assert "No such file" in refusal(tmp_path / "missing.keras")
    Image.new("L", (4, 4)).save(tmp_path / "picture.bmp")
    assert BEGINNINGS[b"BM"] in refusal(tmp_path / "picture.bmp")


def packed_folder(saved: Path, folder: Path) -> Path:
    with zipfile.ZipFile(saved) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_off_is_one_line(tmp_path: Path, saved: Path, share: float) -> None:
    read_model(saved).save(tmp_path / "whole.h5")
    for whole in (saved, tmp_path / "whole.h5"):
        content = whole.read_bytes()
        (tmp_path / "cut").write_bytes(content[: int(share * len(content))])
        assert "cut off" in refusal(tmp_path / "cut")


def test_a_file_with_wrong_bytes_is_one_line_or_a_model(tmp_path: Path, saved: Path) -> None:
    """Whatever byte is wrong: a model with another weight is still one, and nothing else may happen."""
    content = bytearray(saved.read_bytes())
    random = np.random.default_rng(3)
    for number, place in enumerate(random.integers(0, len(content), 40)):
        broken = bytearray(content)
        broken[place] ^= 0xFF
        path = tmp_path / f"{number}.keras"
        path.write_bytes(broken)
        said = ""
        try:
            read_model(path)
        except InputError as error:
            said = str(error)
        assert "\n" not in said


# hostile files


@pytest.fixture
def touched(tmp_path: Path) -> Path:
    """What would be there if something had been run."""
    return tmp_path / "TOUCHED"


def code_that_touches(place: Path) -> str:
    """Python's own bytes of a function, as older versions of Keras kept them."""
    code = compile(f"open({str(place)!r}, 'w')", "x", "eval")
    return base64.b64encode(marshal.dumps(code)).decode()


class Touching:
    """A pickle that makes a file when it is opened."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return open, (str(self.place), "w")


def entry(class_name: str, module: str | None, config: Any, **more: Any) -> dict[str, Any]:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None, **more}


def instead_of_layer(entry: dict[str, Any]) -> Callable[[Any], None]:
    """Put an entry into the place of the first layer behind the input."""

    def change(config: Any) -> None:
        old = config["config"]["layers"][1]
        config["config"]["layers"][1] = {**old, **entry}

    return change


def hostile_entries(place: Path) -> dict[str, tuple[dict[str, Any], str]]:
    """name -> what stands for a layer, and what the line has to name."""
    code = code_that_touches(place)
    function = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}
    source = {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"}
    file = {"fname": "x", "origin": f"file://{place}", "name": "n"}
    return {
        "lambda": (entry("Lambda", KERAS, {"name": "sly", "function": function}), "layer sly is a Lambda"),
        "lambda of old": (entry("Lambda", None, {"name": "l", "function": [code, None, None]}), "Lambda"),
        "lambda inside": (entry("Activation", KERAS, {"name": "a", "activation": function}), "__lambda__"),
        "module": (entry("system", "os", {"name": "x"}), "system (of os)"),
        "class of a module": (entry("Popen", "subprocess", {"args": ["touch", str(place)]}), "Popen"),
        "function of a module": (entry("Activation", KERAS, {"name": "a", "activation": source}), "system"),
        "a function of Keras": (entry("get_file", "keras.utils", file), "get_file"),
        "unsafe": (entry("enable_unsafe_deserialization", "keras.config", {}), "enable_unsafe_deserialization"),
        "a module in Keras": (entry("load_model", "keras.src.saving.saving_api", {"filepath": "x"}), "load_model"),
        "torch": (entry("TorchModuleWrapper", KERAS, {"module": code, "name": "t"}), "TorchModuleWrapper"),
        "jax": (entry("JaxLayer", KERAS, {"call_fn": function, "name": "t"}), "JaxLayer"),
        "a saved model": (entry("TFSMLayer", KERAS, {"filepath": str(place)}), "TFSMLayer"),
        "a vocabulary": (entry("StringLookup", KERAS, {"vocabulary": "/etc/passwd"}), "StringLookup"),
        "a text": (entry("TextVectorization", KERAS, {"vocabulary": "/etc/passwd"}), "TextVectorization"),
        "a type": ({"class_name": "__typespec__", "spec_name": "Popen", "module": "os", "config": []}, "__typespec__"),
        "a hidden import": (entry("Layer", "antigravity", {"name": "x"}), "antigravity"),
        "a hidden import of Keras' family": (entry("Layer", "keras_hub.evil", {"name": "x"}), "keras_hub.evil"),
        "no name": (entry(["x"], "os", {}), "no model of Keras"),  # type: ignore[arg-type]
    }  # fmt: skip


@pytest.mark.parametrize("name", hostile_entries(Path("x")))
def test_nothing_that_a_description_names_is_run(tmp_path: Path, saved: Path, touched: Path, name: str) -> None:
    sly, says = hostile_entries(touched)[name]
    message = refusal(changed(saved, tmp_path / "hostile.keras", instead_of_layer(sly)))
    assert says in message
    # the same in HDF5, where Keras looks less closely
    read_model(saved).save(tmp_path / "hostile.h5")
    with h5py.File(tmp_path / "hostile.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        instead_of_layer(sly)(config)
        file.attrs["model_config"] = json.dumps(config)
    assert says in refusal(tmp_path / "hostile.h5")
    assert not touched.exists()


def test_a_real_lambda_is_refused_however_it_was_saved(tmp_path: Path, touched: Path) -> None:
    place = str(touched)
    model = keras.Sequential(
        [keras.Input((12, 12, 1)), layers.Lambda(lambda x: (Path(place).touch(), x)[1], name="mine")]
    )
    touched.unlink(missing_ok=True)
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"model{suffix}")
        assert "layer mine is a Lambda" in refusal(tmp_path / f"model{suffix}")
    assert not touched.exists()


def test_how_a_model_was_trained_is_not_looked_at(tmp_path: Path, saved: Path, touched: Path) -> None:
    """Also of a model in it, whose training Keras would set up again."""
    code = {
        "class_name": "__lambda__",
        "config": {"code": code_that_touches(touched), "defaults": None, "closure": None},
    }

    def change(config: Any) -> None:
        config["compile_config"] = {"optimizer": "adam", "loss": code}
        config["config"]["layers"][2]["compile_config"] = {"optimizer": "adam", "loss": code}

    loaded = read_model(changed(saved, tmp_path / "trained.keras", change))
    np.testing.assert_array_equal(np.asarray(loaded(IMAGES)), np.asarray(read_model(saved)(IMAGES)))
    assert not touched.exists()


def test_a_pickle_is_never_opened(tmp_path: Path, touched: Path) -> None:
    content = pickle.dumps(Touching(touched))
    for name in ("model.pkl", "model.keras", "model.h5", "model.bin", "model.pt"):
        (tmp_path / name).write_bytes(content)
        assert "not opened" in refusal(tmp_path / name)
    packed(tmp_path / "torch.pt", {"a/data.pkl": content})
    assert "PyTorch" in refusal(tmp_path / "torch.pt")
    array = io.BytesIO()
    np.save(array, np.array([Touching(touched)], dtype=object), allow_pickle=True)
    packed(tmp_path / "arrays.npz", {"a.npy": array.getvalue()})
    assert "arrays of NumPy" in refusal(tmp_path / "arrays.npz")
    assert not touched.exists()


def test_weights_as_pickled_arrays_are_not_read(tmp_path: Path, saved: Path, touched: Path) -> None:
    files = members(saved)
    del files[WEIGHTS]
    array = io.BytesIO()
    np.savez(array, a=np.array([Touching(touched)], dtype=object))
    touched.unlink(missing_ok=True)
    assert "no model.weights.h5" in refusal(
        packed(tmp_path / "a.keras", {**files, "model.weights.npz": array.getvalue()})
    )
    assert not touched.exists()


@pytest.mark.parametrize("name", ["../TOUCHED", "assets/../../TOUCHED", "/tmp/TOUCHED", "..\\TOUCHED", "C:\\TOUCHED"])
def test_a_zip_writes_nothing_outside(tmp_path: Path, saved: Path, name: str) -> None:
    message = refusal(packed(tmp_path / "inner.keras", {**members(saved), name: "x"}))
    assert "leads out of it" in message
    assert not list(tmp_path.rglob("TOUCHED"))


def test_links_passwords_and_doubles_in_a_zip_are_refused(tmp_path: Path, saved: Path) -> None:
    for name, says in (("link", "a link"), ("double", "twice")):
        path = packed(tmp_path / f"{name}.keras", dict(members(saved)))
        with zipfile.ZipFile(path, "a") as archive:
            info = zipfile.ZipInfo("assets/l" if name == "link" else CONFIG)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16 if name == "link" else 0
            if name == "double":
                with pytest.warns(UserWarning, match="Duplicate"):
                    archive.writestr(info, "{}")
            else:
                archive.writestr(info, "/etc/passwd")
        assert says in refusal(path)


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path, saved: Path) -> None:
    files: dict[str, bytes | str] = dict(members(saved))
    assert "a bomb" in refusal(packed(tmp_path / "zip.keras", {**files, "assets/zeros": bytes(2**27)}))
    assert "a bomb" in refusal(packed(tmp_path / "config.keras", {**files, CONFIG: b" " * 2**27}))
    (tmp_path / WEIGHTS).write_bytes(files[WEIGHTS])  # type: ignore[arg-type]
    with h5py.File(tmp_path / WEIGHTS, "r+") as file:
        file.create_dataset("layers/zeros", (2**40,), "f4", chunks=(2**20,))
    bomb = packed(tmp_path / "hdf5.keras", {**files, WEIGHTS: (tmp_path / WEIGHTS).read_bytes()})
    assert "a bomb" in refusal(bomb)
    deep = "[" * 100_000 + "]" * 100_000
    assert "no JSON" in refusal(packed(tmp_path / "deep.keras", {**files, CONFIG: deep}))
    assert "no description" in refusal(packed(tmp_path / "list.keras", {**files, CONFIG: "[1]"}))


@pytest.mark.parametrize("kind", ["external link", "soft link", "external array", "virtual array"])
def test_hdf5_does_not_lead_to_other_files(tmp_path: Path, saved: Path, kind: str) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.arange(4.0)

    def spoil(file: h5py.File) -> None:
        if kind == "external link":
            file["layers_x"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")
        elif kind == "soft link":
            file["layers_x"] = h5py.SoftLink("/anywhere")
        elif kind == "external array":
            file.create_dataset("layers_x", (4,), "f8", external=[(str(tmp_path / "secret.h5"), 0, 32)])
        else:
            layout = h5py.VirtualLayout((4,), "f8")
            layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "x", (4,))
            file.create_virtual_dataset("layers_x", layout)

    files = members(saved)
    (tmp_path / WEIGHTS).write_bytes(files[WEIGHTS])
    read_model(saved).save(tmp_path / "whole.h5")
    for path in (tmp_path / WEIGHTS, tmp_path / "whole.h5"):
        with h5py.File(path, "r+") as file:
            spoil(file)
    packed(tmp_path / "spoiled.keras", {**files, WEIGHTS: (tmp_path / WEIGHTS).read_bytes()})
    for path in (tmp_path / "spoiled.keras", tmp_path / "whole.h5"):
        assert "layers_x" in refusal(path)
    model = read_model(saved)
    assert "layers_x" in refusal(tmp_path / WEIGHTS, architecture=model)


# what is not Keras' own


OWN = """
import keras

class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x

@keras.saving.register_keras_serializable("mine")
class Shifted(keras.layers.Layer):
    def call(self, x):
        return x + 1

def bent(x):
    return keras.ops.maximum(0.1 * x, x)
"""


def own_model(path: Path) -> keras.Model:
    """A model with layers and a function that are in a file, `path`."""
    path.write_text(OWN)
    names: dict[str, Any] = {"__name__": "my_layers"}
    exec(OWN, names)
    keras.saving.get_custom_objects().pop("mine>Shifted")
    keras.utils.set_random_seed(4)
    return keras.Sequential(
        [keras.Input((12, 12, 1)), names["Doubled"](), layers.Conv2D(3, 3, activation=names["bent"]),
         names["Shifted"](), layers.Flatten(), layers.Dense(2)]
    )  # fmt: skip


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_layers_of_the_users_own_come_from_a_file_of_theirs(tmp_path: Path, suffix: str) -> None:
    model = own_model(tmp_path / "my_layers.py")
    path = tmp_path / f"own{suffix}"
    model.save(path)
    message = refusal(path)
    assert "class Doubled" in message
    assert "model.custom=FILE.py" in message
    loaded = read_model(path, custom=tmp_path / "my_layers.py")
    np.testing.assert_array_equal(np.asarray(loaded(IMAGES)), np.asarray(model(IMAGES)))
    # what one model needed is not there for others
    assert "class Doubled" in refusal(path)
    assert "mine>Shifted" not in keras.saving.get_custom_objects()
    assert not (tmp_path / "__pycache__").exists()


def test_a_lambda_stays_refused_with_a_file_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("import keras\nclass Lambda(keras.layers.Layer): pass\n")
    keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x)]).save(tmp_path / "l.keras")
    assert "Lambda" in refusal(tmp_path / "l.keras", custom=tmp_path / "my.py")


def test_what_a_file_of_the_users_own_imports_is_not_named_by_a_model(tmp_path: Path, saved: Path) -> None:
    """Only what it defines: a model must not reach os.system because the user's file imports it."""
    (tmp_path / "my.py").write_text("from os import system\nfrom subprocess import Popen\n")
    for name in ("system", "Popen"):
        hostile = changed(saved, tmp_path / "h.keras", instead_of_layer(entry(name, None, {"name": "x"})))
        assert f"the class {name}" in refusal(hostile, custom=tmp_path / "my.py")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("import keras\n\n1 / 0\n", "line 3: ZeroDivisionError"),
        ("x = 1\nx = = 2\n", "line 2: SyntaxError"),
        ("import not_there_at_all\n", "line 1: ModuleNotFoundError"),
        ("def f():\n    raise SystemExit(3)\nf()\n", "line 2: SystemExit"),
    ],
)
def test_an_error_in_a_file_of_the_users_own_names_the_line(
    tmp_path: Path, saved: Path, content: str, says: str
) -> None:
    (tmp_path / "my.py").write_text(content)
    assert says in refusal(saved, custom=tmp_path / "my.py")


def test_a_newer_keras_and_a_class_that_it_has_are_named(tmp_path: Path, saved: Path) -> None:
    sly = entry("SplendidConv2D", "keras.layers", {"name": "s"})
    hostile = changed(saved, tmp_path / "newer.keras", instead_of_layer(sly))
    files = members(hostile)
    metadata = json.loads(files["metadata.json"]) | {"keras_version": "99.1.0"}
    message = refusal(packed(hostile, {**files, "metadata.json": json.dumps(metadata)}))
    assert "SplendidConv2D" in message
    assert "Keras 99.1.0" in message
    assert keras.__version__ in message


def test_what_cannot_be_looked_into_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([layers.Conv2D(2, 3), layers.Flatten()])
    with pytest.warns(UserWarning, match="not yet been built"):
        model.save(tmp_path / "unbuilt.keras")
    assert "keras.Model(inputs, outputs)" in refusal(tmp_path / "unbuilt.keras")


def test_weights_that_do_not_fit_the_description_are_refused(tmp_path: Path, saved: Path) -> None:
    def change(config: Any) -> None:
        (conv,) = (layer for layer in config["config"]["layers"] if layer["class_name"] == "Conv2D")
        conv["config"]["filters"] = 5

    assert "cannot load" in refusal(changed(saved, tmp_path / "other.keras", change))
