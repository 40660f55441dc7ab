# What type checkers see in place of the names that are loaded on first use.
from compress.core import describe as describe
from compress.driver.finetuning.finetune import finetune as finetune
from compress.driver.search import search as search
from compress.models import create_tracker as create_tracker
from compress.models import load_tracker as load_tracker

__version__: str
