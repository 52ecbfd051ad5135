"""Any images that are picture files: `data.path` says in which folder, the folder says what they are."""

from pipeline.data.source import DatasetSource

SOURCE = DatasetSource(of_pictures=True)
