"""The built-in demo model: a chat model of rules that knows nothing but its prompt.

    >>> DemoChatModel().invoke("What's my name?").content
    "I can't see that in what I was sent."

It answers by finding the sentence that answers and turning it round, and refuses plainly otherwise. It is no language
model: it does not paraphrase, infer or know the world. In reading order:

    words       the English that the rules stand on: grammar only
    sentences   a prompt as clauses: who says what, in comparable words
    answer      a question as data, and the clause that answers it, or the refusal
    telling     "my" to "your", "I" to "the user"
    facts       relations, what is worth keeping, and what replaces what
    summary     summaries by selection
    extract     schemas filled from the prompt
    procedure   instructions rewritten by feedback
    reply       which of all this a prompt wants
    model       LangChain's interface
"""

from memory.demo.model import DemoChatModel

__all__ = ["DemoChatModel"]
