"""What a replay is run with besides its memories: models, prices, the embedding, the budget; and what that will cost.

options(draft)
if go(draft): ...       # the button, with the number of steps before it, and the question where it costs something
"""

from __future__ import annotations

import streamlit as st

from memory.compare.estimate import Estimate, estimate
from memory.compare.experiment import MOST_RUNS, Experiment
from memory.errors import InspectorError
from memory.models import context_window
from memory.money.prices import dollars, priced_models
from memory.preferences import LARGEST_BUDGET
from memory.retrieval import minilm
from memory.retrieval.embeddings import Embedding, embedding
from memory.tokens import BUILT_IN
from pages.ui import connections
from pages.ui.compare.replay_draft import Draft
from pages.ui.security import inert
from pages.ui.settings_models import offered, readiness
from pages.ui.words import escaped, model_name, plural


def options(draft: Draft) -> None:
    """Draw the options, folded away under a line that names them."""
    st.markdown("#### 3. Options")
    with st.expander(_summary(draft), key=f"compare_options_{draft.number}"):
        left, right = st.columns(2, gap="large")
        with left:
            draft.memory_model = (
                st.selectbox(
                    "The model for the memories' own calls (summaries, facts)",
                    list(dict.fromkeys(["", *offered(), draft.memory_model])),
                    index=["", *offered(), draft.memory_model].index(draft.memory_model),
                    format_func=lambda name: name or "the same as below",
                    key=f"compare_memory_model_{draft.number}",
                    accept_new_options=True,
                )
                or ""
            )
            if draft.memory_model:
                readiness(draft.memory_model)
            every = list(dict.fromkeys([*offered(), draft.model]))
            draft.model = (
                st.selectbox(
                    "The model that answers",
                    every,
                    index=every.index(draft.model),
                    key=f"compare_model_{draft.number}",
                    accept_new_options=True,
                    help="Recorded answers stay; it answers the questions, and a turn whose answer is missing.",
                )
                or "demo"
            )
            readiness(draft.model)
            draft.answer = st.toggle(
                "Have it answer the questions as well",
                draft.answer,
                key=f"compare_answer_{draft.number}",
                help="Each question once for each memory. Nothing judges the answers: they are shown to be read.",
            )
        with right:
            priced = list(dict.fromkeys([*priced_models(), draft.price_as]))
            draft.price_as = st.selectbox(
                "Count and price as",
                priced,
                index=priced.index(draft.price_as),
                key=f"compare_price_{draft.number}",
                help="All prompts and answers of the replay are counted and priced as this model's.",
            )
            names = _embeddings(draft.embedding)
            draft.embedding = st.selectbox(
                "Search with",
                list(names),
                index=list(names).index(draft.embedding),
                format_func=names.__getitem__,
                key=f"compare_embedding_{draft.number}",
            )
            window = context_window(draft.price_as)
            budget = st.number_input(
                "Budget: tokens that a memory may put into a prompt",
                0,
                LARGEST_BUDGET,
                draft.budget,
                step=100,
                key=f"compare_budget_{draft.number}",
                placeholder=f"the model's window, {window:,} tokens" if window else "the model's window",
            )
            draft.budget = None if budget is None else int(budget)


def _summary(draft: Draft) -> str:
    own = draft.memory_model or draft.model
    budget = "the model's window" if draft.budget is None else f"{draft.budget:,} tokens"
    return escaped(
        f"Own calls by {model_name(own)}, priced as {model_name(draft.price_as)}, budget {budget}"
        + (", questions answered" if draft.answer else "")
    )


def _embeddings(chosen: str) -> dict[str, str]:
    own = connections.searching().embedding
    names = {"": f"as the app does: {own.label if own else 'words alone'}"}
    if minilm.missing(minilm.FOLDER) is None:
        names["minilm"] = "all-MiniLM-L6-v2, on this computer"
    names["hashing"] = "hashing: words and pieces of words, no model"
    names.setdefault(chosen, chosen)
    return names


def embedding_of(name: str) -> Embedding | None:
    """Return the embedding that an experiment names; raises BadInput or ModelFailed where it is not there."""
    return embedding(name) if name else connections.searching().embedding


def go(draft: Draft, experiment: Experiment | None, trouble: str) -> bool:
    """Draw how much there is to do and the button; True when it is to begin.

    `trouble` says why there is no experiment. What costs money is estimated first and asked for.
    """
    state = st.session_state
    ready = experiment is not None and bool(draft.taken)
    with st.container(horizontal=True, vertical_alignment="center", key="compare_go"):
        pressed = st.button("Run", icon=":material/play_arrow:", disabled=not ready, key="compare_run")
        if trouble:
            st.markdown(f":red[:material/error: {inert(trouble)}]", width="stretch")
        elif not draft.taken:
            st.caption("Choose a conversation above.")
        elif experiment:
            st.caption(_amount(draft, experiment), width="stretch")
    if pressed and experiment:
        try:
            with st.spinner("Looking what it will cost"):
                cost = _estimate(draft, experiment)
        except InspectorError as error:
            state.compare_refused = str(error)
            st.rerun()
        if not cost.calls:
            return True
        state.compare_ask = (draft.number, _name(draft, experiment), cost)
    asked = state.get("compare_ask")
    if not experiment or not asked or asked[:2] != (draft.number, _name(draft, experiment)):
        state.pop("compare_ask", None)
        return False
    return _agreed(draft, experiment, asked[2])


def _amount(draft: Draft, experiment: Experiment) -> str:
    runs, taken = len(experiment.columns), draft.taken
    each = sum(len(one.turns) + len(one.questions) for one in taken)
    most = f" (at most {MOST_RUNS})" if runs > MOST_RUNS // 2 else ""
    said = "memory or setting" if runs == 1 else "memories and settings"
    over = f" over {plural(len(taken), 'conversation')}" if len(taken) > 1 else ""
    return f"{runs} {said}{most}{over}: {plural(runs * each, 'step')}, each a turn or a question."


def _name(draft: Draft, experiment: Experiment) -> str:
    return repr((experiment.columns, experiment.model, experiment.memory_model, experiment.answer, draft.chosen,
                 experiment.source, experiment.budget, experiment.embedding))  # fmt: skip


def _estimate(draft: Draft, experiment: Experiment) -> Estimate:
    searched = embedding_of(draft.embedding)
    return estimate(experiment.columns, draft.taken, draft.models(), searched, draft.answer, draft.budget)


def _agreed(draft: Draft, experiment: Experiment, cost: Estimate) -> bool:
    speaking = [column.models(draft.models()) for column in experiment.columns]
    paid = [name for models in speaking for name in (models.memory_name, models.chat) if name not in BUILT_IN]
    names = " and ".join(dict.fromkeys(map(model_name, paid))) or "the model that searches"
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="compare_question"):
        st.markdown(
            f"This asks {escaped(names)} about {plural(cost.calls, 'time')}: about {cost.tokens:,} tokens in, "
            f"{escaped(dollars(cost.cost))}. The replay itself costs nothing."
        )
        yes = st.button("Run it", icon=":material/check:", key="compare_run_paid")
        if st.button("Not now", type="tertiary", key="compare_run_not"):
            st.session_state.pop("compare_ask", None)
            st.rerun()
    if yes:
        st.session_state.pop("compare_ask", None)
    return yes
