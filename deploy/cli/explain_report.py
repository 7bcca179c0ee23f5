"""How an explanation is shown: the sum as a table, and sentences about what it rests on."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.cli.console import whole
from deploy.cli.rejected_report import moment, plain
from stream_jobs.corrections.change import Change
from stream_jobs.credits.multiplier_row import tier_of
from stream_jobs.explanation.exact import exact_text, usd_text
from stream_jobs.explanation.explanation import Explanation
from stream_jobs.pricing.cost_lines import CostLine, CostLines
from stream_jobs.pricing.price_row import ALWAYS, SINCE_EVER, PriceRow
from warehouse.queries.corrected import AwaitedChange

WORD_CHARS = 12


def show(found: Explanation, shown: Console) -> None:
    """The event, the sum line by line, and what each number rests on."""
    event, cost = found.event, found.cost
    usd = usd_text(cost.cost_nano_usd)
    headline = f", {cost.status}: {event.event_id} of {plain(event.organization)}"
    shown.print(Text.assemble((f"{usd} USD", "bold"), headline))
    if event.void:
        _say(shown, "void", f"it counts nowhere: {taken_back(found)}; what follows is what it would cost")
    _say(shown, "time", f"{event.time:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC: its own time prices it")
    _say(shown, "model", f"{event.dimensions['provider']} / {event.dimensions['model']}: {matched(cost)}")
    for sentence in held(cost):
        _say(shown, "prices", sentence)
    shown.print(cost_table(cost))
    for sentence in summed(cost):
        _say(shown, "sum", sentence)
    _say(shown, "credits", credited(found))
    _say(shown, "billing", billed(found))
    for told in found.revisions:
        whose = f" of {told.organization}" if told.organization else ""
        why = f": {told.note}" if told.note else ""
        made = f"{moment(told.created)} by {told.author or 'nobody named'}, from {told.source}"
        _say(shown, "revision", f"{told.kind} {told.revision}{whose}, made {made}{why}")
    for each in found.at_birth:
        _say(shown, "at birth", born_as(each))
    if found.former:
        shown.print(former_table(found))
    if found.under is not None:
        _under(found.cost, found.under, shown)
    for difference in found.differences:
        _say(shown, "WRONG", f"the row does not follow from these rules: {difference}")


def cost_table(cost: CostLines) -> Table:
    """One line per quantity."""
    table = Table("used", box=None, padding=(0, 2, 0, 0))
    for name in ("quantity", "USD", "per"):
        table.add_column(name, justify="right")
    table.add_column("priced as")
    table.add_column("amount (USD)", justify="right")
    table.add_column("where the price stands")
    for line in cost.lines:
        price = f"{line.price_usd.normalize():f}" if line.row else ""
        per = f"{line.per:,}" if line.row else ""
        stands = stood(line.row) if line.row else ""
        table.add_row(
            *(plain(line.unit), exact_text(line.quantity), price, per, named(line), exact_text(line.usd), stands)
        )
    return table


def former_table(found: Explanation) -> Table:
    """What it was before each control record that changed it."""
    table = Table(
        *(
            whole("changed by"),
            "kind",
            "by",
            "why",
            "in the log (UTC)",
            "prices",
            "cost before (USD)",
            "credits before",
        ),
        box=None,
        padding=(0, 2, 0, 0),
    )
    for each in found.former:
        when = moment(each.asked or each.changed)
        numbers = (str(each.price_revision), f"{each.cost_usd:f}", f"{each.credits:f}")
        table.add_row(each.control_id, each.kind, plain(each.author), plain(each.note), when, *numbers)
    return table


def taken_back(found: Explanation) -> str:
    """The control record that says of a void event that it never counted."""
    for each in reversed(found.former):
        if each.kind == "void":
            when = moment(each.asked or each.changed)
            return f"void {each.control_id} by {each.author or 'nobody named'}, in the log {when}"
    for born in found.at_birth:
        if Change.read(born.change).void:
            return f"{born.kind} {born.control_id} by {born.author or 'nobody named'}, before it came"
    return "a control record says so"


def born_as(said: AwaitedChange) -> str:
    """What a control record before the event made of it."""
    change = Change.read(said.change)
    sets = [f"{name} = {'none' if value is None else value}" for name, value in change.columns.items()]
    made = ", ".join(["void", *sets] if change.void else sets) or "nothing else"
    when = f", in the log {moment(said.asked)}" if said.asked else ""
    why = f": {said.note}" if said.note else ""
    return f"{said.kind} {said.control_id} by {said.author or 'nobody named'}{when}, before it came: {made}{why}"


def matched(cost: CostLines) -> str:
    """How the entry was found."""
    return (
        f"priced as {cost.priced_as}, found by {cost.rule}" if cost.rule else "no entry of the catalogue has this name"
    )


def held(cost: CostLines) -> Iterator[str]:
    """Which list, from when, which tier."""
    if cost.effective_from is None:
        why = "no price holds at that time" if cost.priced_as else "it has no price for this name"
        yield f"revision {cost.revision}: {why}"
        return
    whose = f"of {cost.price_list} itself" if cost.price_list else "for everyone"
    since = "always" if cost.effective_from <= SINCE_EVER else f"{cost.effective_from:%Y-%m-%d %H:%M:%S} UTC on"
    yield f"revision {cost.revision}, {whose}, from {since}"
    if cost.daily_from:
        yield f"every day from {cost.daily_from} to {cost.daily_to} UTC"
    if cost.tier_start:
        tokens = exact_text(cost.input_tokens)
        yield f"the tier above {cost.tier_start:,} input tokens holds: the call had {tokens}"
    if cost.minimum_audio_seconds:
        yield f"audio is charged as at least {cost.minimum_audio_seconds} seconds"


def summed(cost: CostLines) -> Iterator[str]:
    """Rounding, what has no price, and what the provider says."""
    rounding = Fraction(cost.rounded_nano_usd, 10**9) - cost.exact_usd
    rounded = f", {exact_text(rounding)} by rounding" if rounding else ", nothing to round"
    yield f"{exact_text(cost.exact_usd)} USD exactly; {usd_text(cost.rounded_nano_usd)} USD stored{rounded}"
    if cost.unpriced_units:
        yield f"nothing prices {', '.join(cost.unpriced_units)}: the cost is {cost.status}"
    if cost.reported_nano_usd is not None and cost.reported_difference_nano_usd is not None:
        reported = f"the provider reported {usd_text(cost.reported_nano_usd)} USD"
        if cost.is_reported:
            yield f"{reported}, which stands in: nobody knows a price"
        else:
            yield f"{reported}: {Decimal(cost.reported_difference_nano_usd).scaleb(-9):+.9f} USD beside ours"


def credited(found: Explanation) -> str:
    """The multiplier, and the row that says it."""
    counted = found.credits
    terms = counted.terms
    rounding = ", rounded up" if terms.rounding == "up" else ""
    credits = exact_text(Fraction(counted.credits_micro, 1_000_000))
    if terms.basis == "cost":
        usd = usd_text(counted.cost_nano_usd)
        rate = f"{terms.credits_per_usd:f} credits per USD"
        return f"{credits}: {usd} USD at {rate}{rounding}, revision {counted.revision}"
    multiplier = exact_text(Fraction(counted.multiplier_milli, 1000))
    row = counted.row
    if row is None:
        why = "no list says another multiplier"
    else:
        entry = "/".join(filter(None, (row.provider, row.model))) or "the default"
        since = "always" if row.effective_from == ALWAYS else f"{row.effective_from:%Y-%m-%d} on"
        whose = f"{row.organization}'s own" if row.organization else "everyone's"
        why = f"{whose} multiplier of {entry}, from {since}, {row.source}"
    used = "" if counted.used else "; the call used nothing, so it counts nothing"
    tier = tier_of(counted.multiplier_milli)
    if terms.basis == "tokens":
        burnt = f"{counted.tokens:,} tokens at {multiplier} credits per 1,000"
        return f"{credits}: {burnt}{rounding}, revision {counted.revision}: {why}"
    return f"{credits}: one request at {multiplier}x ({tier}){rounding}, revision {counted.revision}: {why}{used}"


def billed(found: Explanation) -> str:
    """The billed amount and its rule."""
    billing = found.billing
    amount = f"{usd_text(billing.billed_nano_usd)} USD"
    if billing.rule == "own key":
        return f"{amount}: {billing.billing_type}, the customer's own key pays the provider"
    if billing.rule == "free plan":
        return f"{amount}: the plan {billing.plan} is billed nothing; the cost stays"
    markup = exact_text(Fraction(billing.markup_ppm, 10_000))
    return f"{amount}: {billing.billing_type}, cost plus {markup} %"


def named(line: CostLine) -> str:
    """What the quantity was priced as."""
    return "no price" if line.priced_unit is None else plain(line.priced_unit)


def stood(row: PriceRow) -> str:
    """Where a price stands in its list."""
    whose = f" of {row.organization}" if row.organization else ""
    tier = f", above {row.tier_start:,}" if row.tier_start else ""
    return plain(f"{row.provider}/{row.model} {row.unit}{whose}{tier}, {row.source}")


def _under(cost: CostLines, under: CostLines, shown: Console) -> None:
    difference = Fraction(under.cost_nano_usd - cost.cost_nano_usd, 10**9)
    sign = "+" if difference >= 0 else ""
    told = f"{usd_text(under.cost_nano_usd)} USD, {under.status}: {sign}{exact_text(difference)} USD"
    _say(shown, "under", f"revision {under.revision} it would cost {told}")
    for sentence in held(under):
        _say(shown, "", sentence)
    shown.print(cost_table(under))


def _say(shown: Console, word: str, text: str) -> None:
    shown.print(f"{word:<{WORD_CHARS}}{' '.join(text.split())}")
