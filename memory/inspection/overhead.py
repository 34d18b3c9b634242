"""Why a provider counts another number of tokens than the texts of a prompt have, in words.

    >>> print(explained(trace, prompt.counts))
    The provider counted 103 tokens, 24 more than our 79. 4 messages: each is wrapped in tokens of the chat format; by
    OpenAI's published count (4 a message with its role, 3 before the answer) that is 19. What is left, 5, …

Our count is of contents and tool calls alone, so that the pieces of a prompt add up to it; what a chat format puts
around them is the provider's. Nothing here is asked of a provider: its figure stands in the trace.
"""

from __future__ import annotations

from dataclasses import dataclass

from memory.prompt import Counts
from memory.tokens import BUILT_IN, split_model
from memory.trace import Trace

PER_MESSAGE = 4
PER_NAME = 2
BEFORE_ANSWER = 3
"""What OpenAI's cookbook ("How to count tokens with tiktoken", for gpt-4o and older) adds: a message's frame with its
role, a name (which has a token or more itself), and the beginning of the answer."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The tokens of a prompt as we count them, `ours`, and as its provider did, `theirs`, with what may part them.

    `wrapping` is what the published format adds, None where there is none for this model or `counts`, the prompt's
    messages, are not known. `others` says that the model has another tokenizer than the one that we count with.
    """

    ours: int
    theirs: int
    counts: Counts
    wrapping: int | None
    others: bool

    @property
    def more(self) -> int:
        """How many tokens the provider counted more than we; negative where it counted fewer."""
        return self.theirs - self.ours


def difference(trace: Trace, counts: Counts) -> Difference | None:
    """Compare our count with the provider's; None where it reported none."""
    call = trace.reply
    if call is None or not call.measured or not call.input_tokens:
        return None
    wrapping = None
    if split_model(call.model)[0] == "openai" and counts.messages:
        wrapping = PER_MESSAGE * counts.messages + PER_NAME * counts.named + BEFORE_ANSWER
    # A built-in model counts with the tokenizer of the model that it is priced as, so it never differs.
    others = not trace.exact and split_model(call.model)[0] not in BUILT_IN
    return Difference(trace.prompt_tokens, call.input_tokens, counts, wrapping, others)


def explained(trace: Trace, counts: Counts) -> str:
    """Say what the provider counted and why it is not what the pieces add up to; "" where there is nothing to say.

    `counts` without a message are those of a long prompt of an earlier version, which did not keep them.
    """
    call = trace.reply
    if call is None:
        return ""
    found = difference(trace, counts)
    if found is None:
        return (
            "The call failed, so nobody else counted." if call.error else "The provider reported no count of its own."
        )
    if split_model(call.model)[0] in BUILT_IN:
        return "The built-in model counts the same: it wraps messages in nothing."
    if not found.more:
        return f"The provider counted the same {found.theirs:,}."
    way = "more" if found.more > 0 else "fewer"
    said = [f"The provider counted {found.theirs:,} tokens, {abs(found.more):,} {way} than our {found.ours:,}."]
    if found.others:
        said.append("Ours is an estimate: this model has a tokenizer of its own.")
    if found.more > 0 and not counts.messages:
        said.append("Each message is wrapped in tokens of the chat format.")
    elif found.more > 0:
        many = "1 message is" if counts.messages == 1 else f"{counts.messages:,} messages are each"
        frame = f"{many} wrapped in tokens of the chat format"
        if found.wrapping is None:
            said.append(f"{frame}: {found.more / counts.messages:.1f} a message.")
        else:
            rest = found.more - found.wrapping
            published = f"{PER_MESSAGE} a message with its role, {BEFORE_ANSWER} before the answer"
            that = f"{found.wrapping:,}" if rest else "exactly that"
            said.append(f"{frame}; by OpenAI's published count ({published}) that is {that}.")
            if rest:
                said.append(f"{abs(rest):,} {'more' if rest > 0 else 'fewer'} are this server's or model's own way.")
    if counts.calls:
        said.append("Tool calls are counted here as JSON; each provider writes them in a form of its own.")
    return " ".join(said)
