"""What a comparison found: tables with their expected and stored rows in, counts and words out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

SHOWN = 20
LEAST_OFFSET = "least offset"


@dataclass(slots=True)
class Found:
    """How many rows of each table were compared and how many are wrong, and the first of those in words."""

    rows: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    @property
    def total_rows(self) -> int:
        """Over all tables."""
        return sum(self.rows.values())

    @property
    def total_wrong(self) -> int:
        """Over all tables."""
        return sum(self.wrong.values())

    def compare(
        self,
        what: str,
        expected: pl.DataFrame,
        have: pl.DataFrame,
        key: Sequence[str],
        emptied: pl.DataFrame | None = None,
    ) -> None:
        """Adds a table. Both frames have the same columns; no key occurs twice where all is well.

        emptied: keys at which rows of zeros may have been left, which are then not compared. A column LEAST_OFFSET of
        what is expected says from where on a row's offset may lie, up to the one that is expected.
        """
        if have.is_empty():
            have = expected.clear()
        if LEAST_OFFSET in expected.columns:
            bounds = expected.select(*key, LEAST_OFFSET, pl.col("offset").alias("most"))
            expected = expected.drop(LEAST_OFFSET)
            within = pl.col("offset").is_between(LEAST_OFFSET, "most")
            have = have.select(expected.columns).cast(expected.schema).join(bounds, on=list(key), how="left")
            have = have.with_columns(offset=pl.when(within).then("most").otherwise("offset"))
        have = have.select(expected.columns).cast(expected.schema)
        if emptied is not None:
            allowed = emptied.unique().join(expected, on=list(key), how="anti")
            left = have.filter(_is_zero(have, key)).join(allowed, on=list(key), how="semi").select(key)
            have = have.join(left, on=list(key), how="anti")
        values = [name for name in expected.columns if name not in key]
        both = expected.with_columns(pl.lit(1).alias("there")).join(
            have.with_columns(pl.lit(1).alias("there")), on=list(key), how="full", coalesce=True, suffix=" stored"
        )
        differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name} stored")) for name in [*values, "there"])
        wrong = both.filter(differs)
        self.rows[what], self.wrong[what] = both.height, wrong.height
        for row in wrong.head(SHOWN).iter_rows(named=True):
            place = {name: row[name] for name in key if row[name] != ""}
            if row["there"] is None or row["there stored"] is None:
                missing = "not expected" if row["there"] is None else "missing"
                side = " stored" if row["there"] is None else ""
                told = {name: row[name + side] for name in values if row[name + side] not in (0, "", None)}
                self.words.append(f"{what} {place}: {missing} {told}")
                continue
            told = {
                name: f"expected {row[name]}, stored {row[f'{name} stored']}"
                for name in values
                if row[name] != row[f"{name} stored"]
            }
            self.words.append(f"{what} {place}: {told}")

    def same(self, what: str, expected: object, have: object) -> None:
        """Adds one value."""
        self.rows[what] = self.rows.get(what, 0) + 1
        self.wrong[what] = self.wrong.get(what, 0) + (expected != have)
        if expected != have:
            self.words.append(f"{what}: expected {expected}, stored {have}")


def _is_zero(rows: pl.DataFrame, key: Sequence[str]) -> pl.Expr:
    """Rows that count nothing: all measures 0, no bins."""
    measures = [name for name in rows.columns if name not in (*key, "offset")]
    return pl.all_horizontal(
        pl.col(name).is_in(["[]", ""]) if rows.schema[name] == pl.String else pl.col(name) == 0 for name in measures
    )
