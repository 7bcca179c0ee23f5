"""Price lists of others: the bytes of a file in, checked price rows out, or every reason why not."""

from stream_jobs.pricing.imports.price_csv import write_csv
from stream_jobs.pricing.imports.price_list import PriceList
from stream_jobs.pricing.imports.read import FORMATS, read_price_list

__all__ = ["FORMATS", "PriceList", "read_price_list", "write_csv"]
