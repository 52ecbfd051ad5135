"""The results of all stages."""

from pipeline.stages.activations.result import ActivationsResult
from pipeline.stages.atlas.result import AtlasResult
from pipeline.stages.dream.result import DreamResult
from pipeline.stages.dream_sheet.result import DreamSheetResult
from pipeline.stages.oip.result import OipSweepResult
from pipeline.stages.statistics.result import MapStatistics
from pipeline.stages.train.result import TrainResult

StageResult = (
    TrainResult | ActivationsResult | OipSweepResult | DreamResult | DreamSheetResult | MapStatistics | AtlasResult
)
