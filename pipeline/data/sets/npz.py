"""Any images that are arrays: `data.path` says in which file, the file says what they are."""

from pipeline.data.source import DatasetSource

SOURCE = DatasetSource()
