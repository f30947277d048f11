from .registry import Tool
from .filters import OnDataset
TOOL = Tool("compare_files", "x", OnDataset, lambda c, w: None)
