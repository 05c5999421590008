"""Serve `CheckDataSet`: what is in a data set and what is wrong with it, before anything is trained."""

from __future__ import annotations

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import DataSetCard
from convnext_studio.core.data.prepare import describe_data
from convnext_studio.core.requests import CheckDataSet


def check_data_set(request: CheckDataSet, ctx: JobContext) -> DataSetCard:
    """Serve `CheckDataSet`. Raises `DataError` when there is nothing to look at."""
    return describe_data(request.recipe, ctx, is_quick=request.is_quick)
