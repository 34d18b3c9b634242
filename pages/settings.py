"""Settings: which models speak and what they cost, what they are told, whether the parts are there, and your data."""

from __future__ import annotations

import streamlit as st

from memory.errors import InspectorError
from memory.longterm.namespace import LONGEST_LABEL
from memory.models import context_window, describe
from memory.money.prices import priced_models
from memory.observing import spans
from memory.observing.tracing import tracing
from memory.preferences import LARGEST_BUDGET, LONGEST_INSTRUCTIONS, Preferences
from memory.store import Store
from pages.ui import connections, settings_data, settings_kept, settings_search, watch
from pages.ui.identity import owner_id
from pages.ui.security import inert
from pages.ui.settings_models import ask, key_box, offered, pictures_box, readiness, ready_models, trouble
from pages.ui.settings_prices import price_table

state = st.session_state
user = owner_id().id
kept: Store | None = None
loaded = state.get("settings_drawn", Preferences())
outage: InspectorError | None = None
try:
    kept = connections.store()
    loaded = Preferences.load(kept, user)
except InspectorError as error:
    kept, outage = None, error
settings_kept.keep(kept, user, loaded)

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Settings", width="content")
    # Not a toast, which a screen reader is given no name for.
    if said := state.pop("settings_said", None):
        st.caption(f":material/check: {said}", width="content")
# Always there, so that no box below moves and loses what is being typed into it when a notice comes or goes.
with st.container(gap="xsmall"):
    if outage:
        st.error(
            f"{inert(str(outage))}\n\nYou can still choose and try a model and type a key. What you change here is not "
            "saved until the store is back, which this page notices by itself.",
            icon=":material/cloud_off:",
        )
    if wrong := state.pop("settings_wrong", None):
        st.error(inert(wrong), icon=":material/error:")
left, right = st.columns(2, gap="large")

with left:
    # --- the models ---------------------------------------------------------------------------------------------------

    st.header("Model")
    chosen, second = state.settings_model or "demo", state.settings_memory_model or ""
    with st.container(gap="xsmall"):
        st.selectbox(
            "The model that answers",
            list(dict.fromkeys([*offered(), chosen])),
            key="settings_model",
            accept_new_options=True,
            help="Choose one, or type provider:name, such as openai:llama3 for a server of your own.",
        )
        readiness(chosen)
        pictures_box(chosen, kept, user)
    with st.container(gap="xsmall"):
        st.selectbox(
            "The model for the memory's own calls (summaries, facts)",
            list(dict.fromkeys(["", *offered(), second])),
            format_func=lambda name: name or "the same as above",
            key="settings_memory_model",
            accept_new_options=True,
            help="A cheaper model often does. Only memories that summarise or extract call it.",
        )
        if second:
            readiness(second)
        if second and second != chosen:
            pictures_box(second, kept, user)
    with st.container(gap="xsmall"):
        key_box(chosen, second)
        place = describe("openai:-").partition(" at ")[2] or "OpenAI itself"
        st.caption(
            f"Models under openai are asked at {inert(place)}. Whoever runs this server sets that address "
            "(OPENAI_BASE_URL), not this page."
        )
    if st.button("Try the model", icon=":material/play_arrow:", help="Sends one tiny question."):
        with st.spinner("Asking …"):
            state.settings_trial = (chosen, ask(chosen))
    if state.get("settings_trial", ("", ""))[0] == chosen:
        st.markdown(state.settings_trial[1])
    with st.expander("Which models work now"):
        st.markdown(ready_models())

    # --- the prices ---------------------------------------------------------------------------------------------------

    st.header("Prices")
    st.selectbox(
        "Count and price the demo model as",
        list(dict.fromkeys([*priced_models(), state.settings_price_as])),
        key="settings_price_as",
        help="The demo model costs nothing; its turns are counted and priced as this model's, and say so.",
    )
    asked = [("the demo model, as", state.settings_price_as)]
    asked += [("the answers", chosen)] if chosen != "demo" else []
    asked += [("the memory's calls", second)] if second not in ("", "demo") else []
    price_table(asked)

with right:
    # --- the prompt ---------------------------------------------------------------------------------------------------

    st.header("Prompt")
    st.text_area(
        "System prompt",
        key="settings_instructions",
        height=96,
        max_chars=LONGEST_INSTRUCTIONS,
        help="Stands before everything else in each prompt. Empty: there is none.",
    )
    window = context_window(chosen)
    st.number_input(
        "Budget: tokens that a memory may put into a prompt",
        min_value=0,
        max_value=LARGEST_BUDGET,
        value=None,
        step=100,
        key="settings_budget",
        placeholder=f"the model's window, {window:,} tokens" if window else "the model's window",
        help="Empty: as much as the model's window holds beside the system prompt, your message and the answer.",
    )

    # --- the search ---------------------------------------------------------------------------------------------------

    st.header("Memory search")
    with st.container(gap="xsmall"):
        settings_search.memory_search()

    # --- the namespace ------------------------------------------------------------------------------------------------

    st.header("Namespace")
    with st.container(gap="xsmall"):
        with st.container(horizontal=True):
            st.text_input("Organisation", key="settings_organisation", max_chars=LONGEST_LABEL, placeholder="acme")
            st.text_input("Application", key="settings_application", max_chars=LONGEST_LABEL, placeholder="support")
        st.caption(
            "A long-term memory whose setting namespace is `{org}/{user}/{app}` keeps its facts apart for each one. "
            "Your own id stands in front of every namespace: nobody reaches what is yours, whatever they write here."
        )

    # --- the connections ----------------------------------------------------------------------------------------------

    st.header("Connection")
    with st.container(border=True, gap="xsmall"):
        if outage:
            st.markdown(f":material/cloud_off: **Store** away. {inert(str(outage))}")
        else:
            try:
                how = {"ready": "ready", "starting": "is starting and reads its data", "away": "away"}
                link = connections.connection()
                st.markdown(f":material/database: **Store** {how[link.ping()]}: {inert(link.describe())}")
                if repaired := link.repaired:
                    st.markdown(f":material/healing: **Repaired** {inert(repaired)}")
            except InspectorError as error:
                st.markdown(f":material/cloud_off: **Store** away. {inert(str(error))}")
        settings_search.vectors_state()
        for what, name in (("Model", chosen), ("Memory's model", second)):
            if name and (why := trouble(name)):
                st.markdown(f":material/block: **{what}** not ready. {inert(why)}")
            elif name:
                st.markdown(f":material/smart_toy: **{what}** ready to be asked: {inert(describe(name))}")
        traced = tracing()
        if traced.on:
            told = f"on: the texts of all model calls go to {traced.place}, project {traced.project}"
            st.markdown(f":material/monitoring: **LangSmith** {inert(told)}. {inert(traced.trouble)}")
        else:
            st.markdown(
                ":material/monitoring: **LangSmith** off. Whoever runs this server turns it on by LANGSMITH_TRACING."
            )
        if collector := spans.place():
            st.markdown(
                f":material/timeline: **OpenTelemetry** on: times and figures of turns go to {inert(collector)}."
            )
        if st.button("Check again", icon=":material/refresh:"):
            st.rerun()

    # --- the data -----------------------------------------------------------------------------------------------------

    st.header("Your data")
    with st.container(gap="xsmall"):
        settings_data.outcome(kept, user)
    if kept is None:
        st.markdown("Your conversations cannot be read, exported or deleted while the store is away.")
    else:
        st.markdown(settings_data.summary(kept, user))
        settings_data.export_button(kept, user)
        settings_data.import_form(kept, user)
        settings_data.delete_form(kept, user)

watch.store(away=kept is None)
