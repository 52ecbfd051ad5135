"""The ranges of the settings, and what does not go together: refused in one line, from a file, a word or Python."""

import copy
import math
import re
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from refusals import refusal

from pipeline.settings import schema
from pipeline.settings.config import Config
from pipeline.settings.model import ConvolutionConfig
from pipeline.settings.ranges import Entries, Lists, Number, rule_of
from pipeline.settings.shared import OctavesConfig
from pipeline.stages.registry import NAMES

CONF = Path(__file__).resolve().parent.parent / "conf"
STAGES = ", ".join(NAMES)

AT_LEAST_1 = "a whole number of at least 1"
OUT_OF_RANGE = [
    ("stages=[]", "stages", f"at least one of {STAGES}", "an empty list"),
    ("statistics.top=0", "statistics.top", AT_LEAST_1, "0"),
    ("atlas.starts=0", "atlas.starts", AT_LEAST_1, "0"),
    ("atlas.starts=33", "atlas.starts", "at most 32", "33"),
    ("atlas.wavelengths=[[3],[]]", "atlas.wavelengths", "at least one number of cells per side", "an empty list"),
    ("atlas.wavelengths=[[3,3]]", "atlas.wavelengths", "every entry once", "[3, 3]"),
    ("atlas.wavelengths=[[1]]", "atlas.wavelengths", "at least 2", "1"),
    ("atlas.wavelengths=[[3],[29]]", "atlas.wavelengths", "at most 28", "29"),
    ("atlas.dream.size=-1", "atlas.dream.size", "at least 0", "-1"),
    ("atlas.dream.steps=0", "atlas.dream.steps", AT_LEAST_1, "0"),
    ("atlas.dream.step_size=-1", "atlas.dream.step_size", "at least 0", "-1"),
    ("atlas.dream.octaves.count=0", "atlas.dream.octaves.count", "at least 1", "0"),
    ("atlas.dream.octaves.scale=1", "atlas.dream.octaves.scale", "at least 1.1", "1"),
    ("atlas.dream.octaves.least_contrast=-1", "atlas.dream.octaves.least_contrast", "at least 0", "-1"),
    ("compare.images=1", "compare.images", "at least 2", "1"),
    ("compare.top=0", "compare.top", AT_LEAST_1, "0"),
    ("compare.top=101", "compare.top", "at most 100", "101"),
    ("compare.map_indices=[]", "compare.map_indices", "at least one map", "an empty list"),
    ("compare.map_indices=[-1]", "compare.map_indices", "at least 0", "-1"),
    ("compare.epoch=-1", "compare.epoch", "at least 0", "-1"),
    ("compare.epoch=4", "compare.snapshots", "the snapshots.npz of that training", "null"),
    ("compare.other_epoch=4", "compare.other_snapshots", "the snapshots.npz of that training", "null"),
    ("compare.names=[one]", "compare.names", "two names", "['one']"),
    ("statistics.layer=Conv2D_2", "statistics.layer", "the layer of the OIPs, Conv2D_3, for an atlas", "Conv2D_2"),
    ("statistics.layer=Conv2D_9", "statistics.layer", "a layer of the model", "Conv2D_9"),
    ("stages=[oip,train,oip]", "stages", "every entry once", "['oip', 'train', 'oip']"),
    ("seed=-1", "seed", "a whole number of at least 0", "-1"),
    ("seed=2147483648", "seed", "at most", "2147483648"),
    ("train.seed=-1", "train.seed", "a whole number of at least 0", "-1"),
    ("noise.seed=-1", "noise.seed", "a whole number of at least 0", "-1"),
    ("runtime.threads=0", "runtime.threads", AT_LEAST_1, "0"),
    ("runtime.threads=100000", "runtime.threads", "a whole number of at least 1 and at most 1024", "100000"),
    ("stages=[[train]]", "stages", "a list without lists in it", "[['train']]"),
    ("tracking.experiment=' '", "tracking.experiment", "a name", "nothing"),
    ("data.limit=9", "data.limit", "a whole number of at least 10", "9"),
    ("data.epochs=0", "data.epochs", AT_LEAST_1, "0"),
    ("data.seed=-1", "data.seed", "a whole number of at least 0", "-1"),
    ("data.test_share=0", "data.test_share", "a number above 0 and at most 0.9", "0"),
    ("data.test_share=0.95", "data.test_share", "a number above 0 and at most 0.9", "0.95"),
    ("data.fit=keep", "data.fit", "one of crop, stretch", "keep"),
    ("data.class_names=[]", "data.class_names", "at least one class name", "an empty list"),
    ("data.class_names=[a,a]", "data.class_names", "every entry once", "['a', 'a']"),
    ("data.class_names=[a,' ']", "data.class_names", "names that are not blank", "['a', ' ']"),
    ("data.preprocessing={mean:0.5}", "data.preprocessing", "{mean: [...], std: [...]}", "mean"),
    ("data.preprocessing={mean:0.5,std:0}", "data.preprocessing", "above 0", "0"),
    ("data.preprocessing={mean:[0.5,0.5],std:[1]}", "data.preprocessing", "as many finite numbers", "[0.5, 0.5]"),
    ("data.preprocessing={mean:[.inf],std:[1]}", "data.preprocessing", "finite numbers", "inf"),
    ("data.preprocessing={mean:[a],std:[1]}", "data.preprocessing", "finite numbers", "'a'"),
    ("data.preprocessing={mean:[124],std:[58]}", "data.preprocessing", "divide those of bytes by 255", "124"),
    ("data.path=''", "data.path", "a path, or null", "''"),
    ("train.initial_weights=''", "train.initial_weights", "a path, or null", "''"),
    ("train.learning_rate.initial=1e9", "train.learning_rate.initial", "at most 1000", "1000000000.0"),
    ("oip.step_size=1e9", "oip.step_size", "at most 1e+06", "1000000000.0"),
    ("dream.step_size=1e9", "dream.step_size", "at most 1e+06", "1000000000.0"),
    ("noise.amplitudes=[1e39]", "noise.amplitudes", "at most 1e+06", "1e+39"),
    ("oip.map_indices=[[1]]", "oip.map_indices", "a list without lists in it", "[[1]]"),
    ("data.path=some.npz", "data.path", "null for data=digits", "some.npz"),
    # training
    ("train.epochs=0", "train.epochs", AT_LEAST_1, "0"),
    ("train.batch_size=0", "train.batch_size", AT_LEAST_1, "0"),
    ("train.optimizer.momentum=-0.1", "train.optimizer.momentum", "a number of at least 0 and at most 1", "-0.1"),
    ("train.optimizer.momentum=1.1", "train.optimizer.momentum", "a number of at least 0 and at most 1", "1.1"),
    ("train.optimizer.weight_decay=-1", "train.optimizer.weight_decay", "a number of at least 0", "-1.0"),
    ("train.learning_rate.initial=0", "train.learning_rate.initial", "a number above 0", "0.0"),
    ("train.learning_rate.initial=nan", "train.learning_rate.initial", "a number above 0", "nan"),
    ("train.learning_rate.rate=-1", "train.learning_rate.rate", "a number of at least 0", "-1.0"),
    ("train.learning_rate.decay_steps=0", "train.learning_rate.decay_steps", AT_LEAST_1, "0"),
    ("train.regularizer.factor=-0.1", "train.regularizer.factor", "a number of at least 0", "-0.1"),
    ("train.augmentation.rotation=181", "train.augmentation.rotation", "at most 180", "181.0"),
    ("train.augmentation.shift=-1", "train.augmentation.shift", "a number of at least 0", "-1.0"),
    ("train.augmentation.zoom=1", "train.augmentation.zoom", "at most 0.9", "1.0"),
    ("train.augmentation.elastic=-1", "train.augmentation.elastic", "a number of at least 0", "-1.0"),
    ("train.augmentation.smoothness=0", "train.augmentation.smoothness", "a number of at least 0.5", "0.0"),
    ("train.augmentation.cut_out=513", "train.augmentation.cut_out", "at most 512", "513"),
    ("train.optimizer.averaging=1", "train.optimizer.averaging", "at most 0.999999", "1.0"),
    ("train.label_smoothing=1", "train.label_smoothing", "at most 0.99", "1.0"),
    ("train.learning_rate.warm_up=-1", "train.learning_rate.warm_up", "a whole number of at least 0", "-1"),
    ("train.snapshots=[-1]", "train.snapshots", "a whole number of at least 0", "-1"),
    ("train.snapshots=[1,1]", "train.snapshots", "every entry once", "[1, 1]"),
    ("train.snapshots=[31]", "train.snapshots", "epochs of the training, 0 (its begin) to 30", "[31]"),
    ("train.augmentation.shear=46", "train.augmentation.shear", "at most 45", "46.0"),
    # model
    ("model.input_size=7", "model.input_size", "a whole number of at least 8 and at most 512", "7"),
    ("model.map=-2", "model.map", "a whole number of at least -1", "-2"),
    ("model.input_size=513", "model.input_size", "a whole number of at least 8 and at most 512", "513"),
    ("model.convolutions.Conv2D_2.filters=0", "model.convolutions.Conv2D_2.filters", AT_LEAST_1, "0"),
    ("model.convolutions.Conv2D_2.kernel_size=0", "model.convolutions.Conv2D_2.kernel_size", AT_LEAST_1, "0"),
    ("model.pools.Max_Pool_1.size=0", "model.pools.Max_Pool_1.size", AT_LEAST_1, "0"),
    ("model.dense.Dense_1.units=0", "model.dense.Dense_1.units", AT_LEAST_1, "0"),
    # geometry: 28 - 2 = 26, 13, 13 - 10 + 1 = 4, 4 // 2 = 2, 2 - 2 = 0
    ("model.convolutions.Conv2D_2.kernel_size=10", "model", "fit into 28 x 28", "Conv2D_3 with a side of 0"),
    ("model.pools.Max_Pool_2.size=20", "model", "fit into 28 x 28", "Max_Pool_2 with a side of 0"),
    ("model.convolutions.Conv2D_1.kernel_size=30", "model", "fit into 28 x 28", "Conv2D_1 with a side of -1"),
    # activations
    ("activations.layers=[]", "activations.layers", "at least one layer", "an empty list"),
    ("activations.layers=[Conv2D_1,Conv2D_1]", "activations.layers", "every entry once", "['Conv2D_1', 'Conv2D_1']"),
    ("activations.layers=[Conv2D_9]", "activations.layers", "layers of the model: Conv2D_1, Max_Pool_1", "'Conv2D_9'"),
    ("activations.image_indices=[]", "activations.image_indices", "at least one index, or null", "an empty list"),
    ("activations.image_indices=[-1]", "activations.image_indices", "a whole number of at least 0", "-1"),
    ("activations.image_indices=[1,1]", "activations.image_indices", "every entry once", "[1, 1]"),
    ("activations.columns=0", "activations.columns", AT_LEAST_1, "0"),
    # noise
    ("noise.wavelengths=[]", "noise.wavelengths", "at least one number of cells per side", "an empty list"),
    ("noise.wavelengths=[1]", "noise.wavelengths", "a whole number of at least 2", "1"),
    ("noise.wavelengths=[3,29]", "noise.wavelengths", "at most 28", "29"),
    ("noise.wavelengths=[3,3]", "noise.wavelengths", "every entry once", "[3, 3]"),
    ("noise.amplitudes=[]", "noise.amplitudes", "at least one number", "an empty list"),
    ("noise.amplitudes=[1,2]", "noise.amplitudes", "one for each of the 4 of noise.wavelengths", "2 entries: [1.0, 2"),
    ("noise.amplitudes=[0]", "noise.amplitudes", "at least one that is not 0", "[0.0]"),
    ("noise.amplitudes=[inf]", "noise.amplitudes", "a number", "inf"),
    ("noise.decay=-1", "noise.decay", "a number of at least 0 and at most 10", "-1.0"),
    ("noise.kind=picture", "noise.picture", "the path of a picture with noise.kind=picture", "null"),
    ("noise.picture=''", "noise.picture", "a path, or null", "''"),
    ("noise.label=-1", "noise.label", "a whole number of at least 0", "-1"),
    ("noise.label=3", "noise.label", "null with noise.kind=waves", "3"),
    ("noise.picture=a.png", "noise.picture", "null with noise.kind=waves", "a.png"),
    ("noise.blend=0.5", "noise.blend", "0 with noise.kind=waves", "0.5"),
    ("noise.blend=1.5", "noise.blend", "a number of at least 0 and at most 1", "1.5"),
    # oip
    ("oip.layer=Flatten", "oip.layer", "a layer of the model: Conv2D_1, Max_Pool_1, Conv2D_2", "'Flatten'"),
    ("oip.layer=Conv2D_4", "oip.layer", "a layer of the model: Conv2D_1", "'Conv2D_4'"),
    ("oip.position=[1]", "oip.position", "[row, column] of a place in the map, or null", "[1]"),
    ("oip.position=[-1,0]", "oip.position", "a whole number of at least 0", "-1"),
    ("oip.position=[0,3]", "oip.position", "[row, column], 0 to 2 and 0 to 2 in Conv2D_3", "[0, 3]"),
    ("oip.direction=[1]", "oip.map_indices", "the maps that oip.direction mixes", "null"),
    ("oip.stage_steps=[]", "oip.stage_steps", "at least one number of steps", "an empty list"),
    ("oip.stage_steps=[20,0]", "oip.stage_steps", AT_LEAST_1, "0"),
    ("oip.precursor.starts=0", "oip.precursor.starts", AT_LEAST_1, "0"),
    ("oip.precursor.steps=0", "oip.precursor.steps", AT_LEAST_1, "0"),
    ("oip.starts=0", "oip.starts", AT_LEAST_1, "0"),
    ("oip.quality.total_variation=-1", "oip.quality.total_variation", "at least 0 and at most 10", "-1.0"),
    ("oip.quality.l2=11", "oip.quality.l2", "at least 0 and at most 10", "11.0"),
    ("oip.quality.frequency_decay=nan", "oip.quality.frequency_decay", "at least 0 and at most 10", "nan"),
    ("oip.faithful.covariance=1.5", "oip.faithful.covariance", "at least 0 and at most 1", "1.5"),
    ("oip.faithful.images=0", "oip.faithful.images", "a whole number of at least 1 and at most 64", "0"),
    ("oip.faithful.weight=0", "oip.faithful.weight", "a number above 0", "0.0"),
    ("oip.faithful.least=0", "oip.faithful.least", "a number above 0", "0.0"),
    ("oip.faithful.step_size=-1", "oip.faithful.step_size", "a number above 0", "-1.0"),
    ("oip.quality.diversity=-0.5", "oip.quality.diversity", "at least 0 and at most 10", "-0.5"),
    ("oip.quality.diversity=1", "oip.quality.diversity", "0 with oip.starts=1", "1.0"),
    ("oip.quality.jitter.shift=3", "oip.quality.jitter.shift", "at least 0 and at most 2", "3.0"),
    ("oip.quality.jitter.rotation=6", "oip.quality.jitter.rotation", "at least 0 and at most 5", "6.0"),
    ("oip.quality.jitter.scale=0.06", "oip.quality.jitter.scale", "at least 0 and at most 0.05", "0.06"),
    ("oip.map_indices=[]", "oip.map_indices", "at least one map, or null for all of the layer", "an empty list"),
    ("oip.map_indices=[5,5]", "oip.map_indices", "every entry once", "[5, 5]"),
    ("oip.map_indices=[128]", "oip.map_indices", "map indices 0 to 127 of Conv2D_3, or -1 for the whole layer", "128"),
    ("oip.map_indices=[-2]", "oip.map_indices", "map indices 0 to 127 of Conv2D_3, or -1 for the whole layer", "-2"),
    ("oip.steps=0", "oip.steps", AT_LEAST_1, "0"),
    ("oip.step_size=0", "oip.step_size", "a number above 0", "0.0"),
    ("oip.step_size=inf", "oip.step_size", "a number above 0", "inf"),
    ("oip.convergence.criterion=-1", "oip.convergence.criterion", "a number of at least 0", "-1.0"),
    ("oip.convergence.after=-1", "oip.convergence.after", "a whole number of at least 0", "-1"),
    ("oip.convergence.patience=0", "oip.convergence.patience", AT_LEAST_1, "0"),
    ("oip.zero_steps=0", "oip.zero_steps", AT_LEAST_1, "0"),
    ("oip.restarts=-1", "oip.restarts", "a whole number of at least 0", "-1"),
    ("oip.snapshots=0", "oip.snapshots", "a whole number of at least 1 and at most 30", "0"),
    ("oip.snapshots=31", "oip.snapshots", "a whole number of at least 1 and at most 30", "31"),
    ("oip.batch_size=0", "oip.batch_size", AT_LEAST_1, "0"),
    ("oip.contrast.centre=1.5", "oip.contrast.centre", "a number of at least 0 and at most 1", "1.5"),
    ("oip.contrast.factor=0", "oip.contrast.factor", "a number above 0", "0.0"),
    # dream
    ("dream.photo=''", "dream.photo", "flower, china or the path of a picture", "nothing"),
    ("dream.size=27", "dream.size", "a whole number of at least 28 and at most 8192", "27"),
    ("dream.size=8193", "dream.size", "a whole number of at least 28 and at most 8192", "8193"),
    ("dream.layer=Flatten", "dream.layer", "a layer of the model that has maps", "'Flatten'"),
    ("dream.levels=[]", "dream.levels", "at least one number of tiles per side", "an empty list"),
    ("dream.overlap=0.6", "dream.overlap", "a number of at least 0 and at most 0.5", "0.6"),
    ("dream.levels=[0]", "dream.levels", AT_LEAST_1, "0"),
    ("dream.map_indices=[]", "dream.map_indices", "at least one map", "an empty list"),
    ("dream.map_indices=[128]", "dream.map_indices", "map indices 0 to 127 of Conv2D_3", "128"),
    ("dream.tiles=[[0]]", "dream.overlap", "0 with dream.tiles", "0.3"),
    ("dream.mask=' '", "dream.mask", "a path, or null", "' '"),
    ("dream.strength=[]", "dream.strength", "at least one number", "an empty list"),
    ("dream.strength=[-0.5]", "dream.strength", "a number of at least 0 and at most 10", "-0.5"),
    ("dream.strength=[1,1]", "dream.strength", "each of the 3 levels with dream.method=carving", "2 numbers: [1."),
    ("dream.auto_maps=0", "dream.auto_maps", "a whole number of at least 1", "0"),
    ("dream.auto_maps=1", "dream.map_indices", "at least 2 maps to choose from with dream.auto_maps", "[33]"),
    ("dream.tile_maps=[[1]]", "dream.tile_maps", "null, or a list of maps for each of the 3 dream.levels", "[[1]]"),
    ("dream.tile_maps=[[1],[],[2]]", "dream.tile_maps", "at least one map per level", "an empty list"),
    ("dream.tile_maps=[[1],[2],[128]]", "dream.tile_maps", "map indices 0 to 127 of Conv2D_3", "128"),
    ("dream.octaves.count=0", "dream.octaves.count", "a whole number of at least 1 and at most 30", "0"),
    ("dream.octaves.scale=1.05", "dream.octaves.scale", "a number of at least 1.1 and at most 4", "1.05"),
    ("dream.octaves.least_contrast=-1", "dream.octaves.least_contrast", "a number of at least 0", "-1.0"),
    ("dream.faithful.references=-1", "dream.faithful.references", "at least 0 and at most 64", "-1"),
    ("dream.faithful.references=65", "dream.faithful.references", "at least 0 and at most 64", "65"),
    ("dream.faithful.covariance=1.5", "dream.faithful.covariance", "a number of at least 0 and at most 1", "1.5"),
    ("dream.faithful.least_contrast=0", "dream.faithful.least_contrast", "a number of at least 0.01", "0.0"),
    ("dream.faithful.most_contrast=11", "dream.faithful.most_contrast", "at most 10", "11.0"),
    ("dream.frame_size=20", "dream.frame_size", "a whole number of at least 56 and at most 4096", "20"),
    ("dream.zoom.frames=-1", "dream.zoom.frames", "a whole number of at least 0 and at most 600", "-1"),
    ("dream.zoom.factor=1", "dream.zoom.factor", "a number of at least 1.001 and at most 1.5", "1.0"),
    ("dream.zoom.steps=0", "dream.zoom.steps", AT_LEAST_1, "0"),
    ("dream.zoom.size=20", "dream.zoom.size", "a whole number of at least 56 and at most 1024", "20"),
    ("dream.compare.strengths=[]", "dream.compare.strengths", "at least one number", "an empty list"),
    ("dream.compare.strengths=[1,1]", "dream.compare.strengths", "every entry once", "[1.0, 1.0]"),
    ("dream.compare.strengths=[11]", "dream.compare.strengths", "a number of at least 0 and at most 10", "11.0"),
    ("dream.turns=0", "dream.turns", AT_LEAST_1, "0"),
    ("dream.steps=0", "dream.steps", AT_LEAST_1, "0"),
    ("dream.step_size=-0.1", "dream.step_size", "a number of at least 0", "-0.1"),
    ("dream.convergence.patience=0", "dream.convergence.patience", AT_LEAST_1, "0"),
    ("dream.contrast.factor=-1", "dream.contrast.factor", "a number above 0", "-1.0"),
]  # fmt: skip


@pytest.fixture(scope="module")
def defaults(compose) -> DictConfig:
    """What Hydra composes of the defaults, not yet checked."""
    compose()
    ConfigStore.instance().store(name="schema", node=Config)
    with initialize_config_dir(config_dir=str(CONF), version_base="1.3"):
        return hydra_compose("config")


def overridden(defaults: DictConfig, *overrides: str) -> Config:
    """As `compose`, but without composing anew every time."""
    settings = copy.deepcopy(defaults)
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        OmegaConf.update(settings, override.key_or_group, override.value())
    return schema.to_config(settings)


@pytest.mark.parametrize(("override", "key", "takes", "got"), OUT_OF_RANGE, ids=[case[0] for case in OUT_OF_RANGE])
def test_a_value_out_of_range_is_refused_with_the_range_and_what_came(defaults, override, key, takes, got):
    message = refusal(lambda: overridden(defaults, override))
    said_key, _, rest = message.partition(": takes ")
    said_takes, _, said_got = rest.partition("; got ")
    assert said_key == key
    assert takes in said_takes
    assert got in said_got


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"pools": ["Max_Pool_1"]},
            "model.pools: takes one pool between any two convolutions, so 2; got 1: Max_Pool_1",
        ),
        ({"convolutions": ["Conv2D_1"]}, "so 0; got 2: Max_Pool_1, Max_Pool_2"),
        ({"convolutions": []}, "model.convolutions: takes at least one layer; got none"),
        ({"dense": {"Conv2D_1": "Dense_1"}}, "model (names of layers): takes every entry once; got ['Conv2D_1', "),
        ({"dense": {"Output": "Dense_1"}}, "that are not Input, Flatten or Output; got 'Output'"),
        ({"dense": {"a layer": "Dense_1"}}, "takes names of letters (a to z), digits and _ that are not Input"),
    ],
    ids=str,
)
def test_layers_that_make_no_cnn_are_refused(defaults, change, message):
    model = overridden(defaults).model
    ((kind, names),) = change.items()
    known = getattr(model, kind)
    layers = {name: known[names[name]] for name in names} if isinstance(names, dict) else {n: known[n] for n in names}
    assert message in refusal(lambda: replace(model, **{kind: layers}))


@pytest.mark.parametrize(
    "overrides",
    [
        ["oip.map_indices=[0,127,-1]"],
        ["oip.layer=Conv2D_1", "oip.map_indices=[31]"],
        ["noise.wavelengths=[2,28]", "noise.amplitudes=[0,0.3]"],
        ["noise.amplitudes=[0.5,-0.5,0,1]"],
        ["dream.levels=[1,2,2]", "dream.map_indices=[-1,0,127]"],
        ["dream.overlap=0", "dream.tiles=[[0],[0,3],[15]]"],
        ["dream.step_size=0"],
        ["dream.method=octaves", "dream.octaves.count=3", "dream.strength=[0,0.5,2]"],
        ["dream.size=null", "dream.fit=stretch", "dream.mask=mask.png"],
        ["dream.auto_maps=3", "dream.map_indices=null"],
        ["dream.tile_maps=[[1],[2,3],[-1]]"],
        ["stages=[dream_sheet]", "dream.compare.by=strengths", "dream.compare.strengths=[0,1]"],
        ["oip.layer=Max_Pool_2", "oip.map_indices=[63]", "oip.position=[4,4]"],
        ["oip.layer=Dense_1", "oip.map_indices=[99,-1]"],
        ["oip.layer=Output", "oip.map_indices=[9]"],
        ["oip.map_indices=[0,127]", "oip.direction=[1,-0.5]"],
        ["oip.strategy=coarse_to_fine", "noise.wavelengths=[28,3]", "oip.stage_steps=[1,1]"],
        ["oip.starts=3", "oip.batch_size=3", "oip.quality.diversity=10"],
        ["oip.quality.jitter={shift:2,rotation:5,scale:0.05}"],
        ["noise.kind=digit", "noise.label=0", "noise.blend=1"],
        ["seed=2147483647"],
        ["activations.layers=[Max_Pool_2,Dense_1,Output]"],
        ["train.augmentation={rotation:180,shift:0,zoom:0.9,shear:45,elastic:64,smoothness:64,cut_out:512}"],
        ["train.optimizer.averaging=0.999999", "train.label_smoothing=0.99"],
        ["train.epochs=2", "train.learning_rate.warm_up=1"],
    ],
    ids=" ".join,
)
def test_values_at_the_edge_of_their_range_are_taken(defaults, overrides):
    assert overridden(defaults, *overrides) != overridden(defaults)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["dream.overlap=0", "dream.tiles=[[0]]"],
            "dream.tiles: takes null, or a list of tiles for each of the",
        ),
        (
            ["dream.overlap=0", "dream.tiles=[[0],[-4],[0]]"],
            "dream.tiles: takes a whole number of at least 0; got -4",
        ),
        (
            ["dream.overlap=0", "dream.tiles=[[0],[],[0]]"],
            "dream.tiles: takes at least one tile per level; got an",
        ),
        (
            ["dream.auto_maps=1", "dream.map_indices=null", "dream.tile_maps=[[1],[1],[1]]"],
            "dream.tile_maps: takes null with dream.auto_maps",
        ),
        (
            ["dream.auto_maps=129", "dream.map_indices=null"],
            "dream.auto_maps: takes a whole number of at least 1 and at most 128",
        ),
        (["dream.method=octaves", "dream.correction=updated"], "dream.correction: takes original with dream.method"),
        (["dream.auto_maps=1", "dream.map_indices=[1,-1]"], "dream.map_indices: takes single maps with dream.auto_m"),
        (["dream.method=octaves", "dream.auto_maps=1"], "dream.auto_maps: takes null with dream.method=octaves"),
        (
            ["dream.method=octaves", "dream.strength=[1,1]"],
            "dream.strength: takes one number for all, or one for each of the 5 octaves",
        ),
        (["dream.overlap=0", "dream.tiles=[[0],[1,1],[0]]"], "dream.tiles: takes every entry once; got [1, 1]"),
        (["oip.map_indices=[1,-1]", "oip.direction=[1,1]"], "oip.map_indices: takes the maps that oip.direction mixes"),
        (["oip.map_indices=[1,2]", "oip.direction=[1]"], "oip.direction: takes one entry for each of the 2 of oip.map"),
        (["oip.map_indices=[1,2]", "oip.direction=[0,0]"], "oip.direction: takes at least one weight that is not 0"),
        (["oip.map_indices=[1]", "oip.direction=[1e9]"], "oip.direction: takes a number of at least -1e+06 and at mos"),
        (["oip.layer=Dense_1", "oip.position=[0,0]"], "oip.position: takes null for Dense_1, which is no map"),
        (["oip.layer=Dense_1", "oip.map_indices=[100]"], "oip.map_indices: takes units 0 to 99 of Dense_1, or -1"),
        (["oip.layer=Output", "oip.map_indices=[-2]"], "oip.map_indices: takes classes 0 and above of Output, or -1"),
        (["oip.layer=Max_Pool_1", "oip.map_indices=[32]"], "oip.map_indices: takes map indices 0 to 31 of Max_Pool_1"),
        (
            ["oip.strategy=coarse_to_fine", "noise.wavelengths=[3,7]"],
            "oip.stage_steps: takes one entry for each of the 2 of noise.wavelengths; got 4 entries",
        ),
        (["oip.strategy=coarse_to_fine", "noise.kind=pixels"], "noise.kind: takes waves with oip.strategy=coarse_to_"),
        (["oip.strategy=precursor", "oip.starts=17"], "oip.precursor.starts: takes a whole number of at least oip.st"),
        (["oip.starts=9", "oip.batch_size=8", "oip.quality.diversity=1"], "oip.batch_size: takes at least oip.starts"),
    ],
    ids=str,
)
def test_settings_that_do_not_go_together_are_refused(defaults, overrides, message):
    assert refusal(lambda: overridden(defaults, *overrides)).startswith(message)


def test_a_cnn_needs_no_dense_layer_but_the_output(compose):
    assert compose("~model.dense.Dense_1").model.dense == {}


def test_every_number_of_the_settings_has_a_case_out_of_range():
    """So that a setting that comes later is not forgotten here."""
    keys = {case[1] for case in OUT_OF_RANGE}
    # checked by the same function, for both of its groups, with one of them standing for the other
    alike = {"dream.convergence.criterion", "dream.convergence.after", "dream.contrast.centre"}

    def numbers(node: object, prefix: str) -> list[str]:
        if isinstance(node, dict):
            return [key for name, value in node.items() for key in numbers(value, f"{prefix}{name}.")]
        return [prefix[:-1]] if type(node) in (int, float) else []

    for file in (*CONF.glob("*/*.yaml"), CONF / "config.yaml"):
        group = "" if file.parent in (CONF, CONF / "experiment") else f"{file.parent.name}."
        for key in numbers(OmegaConf.to_container(OmegaConf.load(file), resolve=False), group):
            of_a_layer = re.sub(r"\.[^.]+\.(filters|kernel_size|size|units)$", r".*.\1", key)
            assert key in keys | alike or any(
                re.sub(r"\.[^.]+\.(filters|kernel_size|size|units)$", r".*.\1", known) == of_a_layer for known in keys
            ), key


def plain(kind: object) -> set[object]:
    """The types of what a setting holds: a number, a text, or those in a list or beside null."""
    inner = typing.get_args(kind)
    return set().union(*map(plain, inner)) if inner else {kind}


def groups_of_settings(owner: type) -> set[type]:
    """The group and all groups within it."""
    kinds = set().union(*(plain(field.type) for field in fields(owner)))
    return {owner}.union(*(groups_of_settings(kind) for kind in kinds if is_dataclass(kind)))


def test_every_number_of_every_group_says_its_range_or_why_it_has_none():
    groups = groups_of_settings(Config)
    assert {Config, ConvolutionConfig, OctavesConfig} < groups
    for group in groups:
        for field in fields(group):
            if plain(field.type) & {int, float}:
                says = rule_of(field)
                while isinstance(says, (Entries, Lists)):
                    says = says.each
                assert isinstance(says, Number), (group, field.name)
                assert (says == Number(unbounded=says.unbounded)) == bool(says.unbounded), (group, field.name)


def numbers(group: object, prefix: str = "") -> Iterator[tuple[str, Number]]:
    """The dotted name of every number that is not in a list, and what it says of itself."""
    for field in fields(group):
        says, value = rule_of(field), getattr(group, field.name)
        if isinstance(says, Number):
            yield f"{prefix}{field.name}", says
        elif is_dataclass(value):
            yield from numbers(value, f"{prefix}{field.name}.")
        elif isinstance(value, dict):
            for name, entry in value.items():
                yield from numbers(entry, f"{prefix}{field.name}.{name}.")


def remade(config: Config, key: str, value: float) -> Config:
    """The settings with another value set into them by hand, their group made anew."""
    changed = copy.deepcopy(config)
    owner: typing.Any = changed
    *path, name = key.split(".")
    for part in path:
        owner = owner[part] if isinstance(owner, dict) else getattr(owner, part)
    setattr(owner, name, value)
    return replace(changed, **{part: replace(getattr(changed, part)) for part in path[:1]})


def test_every_bound_holds_for_settings_made_by_hand(defaults):
    config = overridden(defaults)
    said = dict(numbers(config))
    assert {"seed", "train.seed", "oip.quality.jitter.scale", "model.dense.Dense_1.units"} < set(said)
    for key, says in said.items():
        for value in (says.least - 1, says.most + 1, says.above, math.nan):
            if value is not None and not math.isinf(value):
                assert refusal(remade, config, key, value).startswith(f"{key}: takes a"), key


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("stages=[[train]]", "stages: takes a list without lists in it; got [['train']]"),
        ("stages=[{a: 1}]", f"stages: takes a list, each entry one of {STAGES}; got [{{'a': 1}}]"),
        ("data=null", "data: takes one of cifar10, digits, fashion_mnist, folder, mnist, npz; got null"),
        ("experiment=null", "experiment: takes one of article, dream_atlas, mnist, smoke; got null"),
        ("noise=3", "noise: takes one of digit, fourier, long, mixed, picture, pixels, short; got 3"),
        (
            "oip={steps: 3}",
            "oip: takes one of article, coarse_to_fine, default, diverse, faithful, maco, precursor, smooth; got {'",
        ),
        ("~oip", "~oip: every group of settings is needed; oip=NAME takes another file of it"),
    ],
)
def test_a_word_that_is_no_file_of_a_group_or_no_list_of_stages_is_refused(compose, word: str, said: str) -> None:
    assert refusal(lambda: compose(word)).startswith(said)
