"""The models of the settings: which there are, whether they can be asked now, and with whose key.

readiness("openai:gpt-5-mini")    # draws "Ready to be asked, with the key in OPENAI_API_KEY. …" or what is missing
"""

from __future__ import annotations

import os
import time

import streamlit as st
from langchain_core.messages import HumanMessage, SystemMessage

from memory.errors import ModelFailed, explain
from memory.models import chat_model, describe, key_name, provider_of, sum_chunks, usage_of
from memory.money.prices import priced_models
from memory.pictures.sight import takes_pictures
from memory.preferences import Preferences
from memory.store import Store
from memory.tokens import BUILT_IN
from pages.ui import connections
from pages.ui.security import inert, inert_label
from pages.ui.words import model_name, seconds

QUESTION = (SystemMessage("The code word is heron."), HumanMessage("What is the code word?"))
PROVIDERS = {"google_genai": "Google", "mistralai": "Mistral", "openai": "OpenAI", "xai": "xAI", "deepseek": "DeepSeek"}


def offered() -> list[str]:
    """Name the models to choose from, the nearest at hand first."""
    names = priced_models()
    return [
        "demo",
        *(name for name in names if provider_of(name) == "openai"),
        *(name for name in names if provider_of(name) != "openai"),
    ]


def trouble(model: str) -> str | None:
    """Say why a model cannot be asked at all, None where nothing is known to stand in the way."""
    try:
        chat_model(model, api_key=connections.api_key(model))
    except ModelFailed as error:
        return str(error)
    return None


def readiness(model: str) -> None:
    """Draw one line: whether the model can be asked now, or what stands in the way."""
    if why := trouble(model):
        st.markdown(f":material/block: Not ready. {inert(why)}")
    elif provider_of(model) == "demo":
        st.markdown(":material/check: Ready. Built in: no key, no network; it knows nothing but its prompt.")
    else:
        st.markdown(f":material/check: Ready to be asked, {_key_words(model)}. {inert(describe(model))}.")


def pictures_box(model: str, kept: Store | None, user: str) -> None:
    """Let be said whether a model takes pictures, where it is not a built-in one; kept at once."""
    if kept is None or provider_of(model) in BUILT_IN:
        return
    loaded, state = Preferences.load(kept, user), st.session_state
    key, said = f"settings_pictures_{model}", loaded.pictures.get(model)
    drawn = state.setdefault("settings_pictures_drawn", {})
    if key not in state or drawn.get(model, ...) != said:
        # Another tab has changed it, or it is drawn for the first time.
        state[key] = said
    drawn[model] = said
    known = "is known to take pictures" if takes_pictures(model) else "is not known to take pictures"
    words = {None: f"As it is known: it {known}", True: "It takes pictures", False: "It takes no pictures"}
    chosen = st.selectbox(
        f"Pictures for {inert_label(model_name(model))}",
        [None, True, False],
        format_func=words.__getitem__,
        key=key,
        help="Of a model on a server of your own nobody may know that it takes pictures. Said here, it is sent them; "
        "else it is told in words what can be read off the file.",
    )
    if chosen != said:
        others = {name: takes for name, takes in loaded.pictures.items() if name != model}
        loaded.but(pictures=others if chosen is None else {**others, model: chosen}).save(kept, user)
        drawn[model] = chosen
        state.settings_said = "Saved."
        st.rerun()


def ready_models() -> str:
    """List in Markdown, provider by provider, which models work now."""
    lines = ["- **demo** ready: it is built in"]
    for provider in dict.fromkeys(map(provider_of, priced_models())):
        example = next(name for name in priced_models() if provider_of(name) == provider)
        why = trouble(example)
        now = f"ready, {_key_words(example)}, for instance {example}" if why is None else f"not ready: {why}"
        lines.append(f"- **{PROVIDERS.get(provider, provider.capitalize())}** {inert(now)}")
    return "\n".join(lines)


def ask(model: str) -> str:
    """Send the tiny prompt and say in one line what came back."""
    key, start = connections.api_key(model), time.monotonic()
    try:
        answer = sum_chunks(chat_model(model, api_key=key).stream(list(QUESTION)))
    except Exception as error:
        return f":material/block: No answer. {inert(str(explain(error, model=model, keys=(key,))))}"
    took, usage = seconds(time.monotonic() - start), usage_of(answer)
    tokens = f", {usage.input:,} tokens in and {usage.output:,} out" if usage else ""
    text = answer.text.strip()
    text = text if len(text) <= 500 else text[:499] + "…"
    return f":material/check: {inert_label(model_name(model))} answered in {took}{tokens}: “{inert_label(text)}”"


def key_box(*models: str) -> None:
    """Draw the box for a key, named after the first of the models that needs one, or what key is in use."""
    state = st.session_state
    for_key = next((name for name in models if name and key_name(name)), "openai:")
    state.settings_key_for = key_name(for_key)
    if state.get("settings_api_key"):
        st.markdown(
            f":material/key: In use: the key typed in this session ({inert(state.settings_api_key_name)}). It is "
            "kept nowhere else and is gone when you reload or close this tab."
        )
        st.button("Forget key", icon=":material/key_off:", on_click=_forget_key)
    else:
        st.text_input(
            f"A key of your own, in place of {inert_label(state.settings_key_for or '')}",
            key="settings_key_box",
            type="password",
            autocomplete="off",
            placeholder="for this session alone: in no store, no trace, no log",
            max_chars=500,
            on_change=_keep_key,
        )


def _key_words(model: str) -> str:
    """Say where the key comes from."""
    name = key_name(model)
    if name is None:
        return "no key needed"
    if key := connections.api_key(model):
        typed = st.session_state.get("settings_api_key")
        return "with the key typed here" if key == typed else "with the key of secrets.toml"
    return f"with the key in {name}" if os.environ.get(name) else "without a key"


def _keep_key() -> None:
    """Move a typed key out of the box, which the browser would be sent again, into this session."""
    state = st.session_state
    if typed := state.settings_key_box.strip():
        state.settings_api_key, state.settings_api_key_name = typed, state.settings_key_for
        state.settings_key_box = ""


def _forget_key() -> None:
    st.session_state.pop("settings_api_key", None)
    st.session_state.pop("settings_api_key_name", None)
