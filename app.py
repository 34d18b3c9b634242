"""The entry: `streamlit run app.py` serves it.

This one file is read twice. The server imports it as a module and takes `app`, the ASGI application with our
middleware; then the same file is run as the script of every visit, which sets the page up and shows the one asked for.
"""

from pathlib import Path

import streamlit as st

from pages.ui import came_back, warmup
from pages.ui.identity import OwnerCookie, owner_id

if __name__ != "__main__":  # imported by the server
    from starlette.middleware import Middleware
    from streamlit.runtime.pages_manager import PagesManager

    from memory.observing import log, spans
    from pages.ui import gone_widgets, runs
    from pages.ui.probes import Probes
    from pages.ui.reload import ReloadWhereLost
    from pages.ui.security import SecurityHeaders

    # Until the first `st.navigation`, Streamlit would run the files of a pages/ folder by themselves: a deep link as
    # the very first visit would pass this file by.
    PagesManager.uses_pages_directory = False
    runs.keep_drawings()
    runs.keep_messages()
    runs.keep_endings()
    runs.tick_quietly()
    runs.look_first()
    runs.answer_alone()
    runs.remember_theme()
    gone_widgets.free()
    log.set_up()
    spans.set_up()
    layers = [Middleware(Probes), Middleware(SecurityHeaders), Middleware(OwnerCookie), Middleware(ReloadWhereLost)]
    app = st.App(__file__, lifespan=warmup.lifespan, middleware=layers)
else:  # run for a visit
    # The panel of 460 px is the sidebar; a ":material" icon would be fetched from Google, so the icon is our own file.
    st.set_page_config(
        page_title="Memory Inspector",
        page_icon=Path(__file__).with_name("pages") / "ui" / "icon.svg",
        layout="wide",
        initial_sidebar_state=460,
    )
    warmup.wait()
    came_back.look()
    from memory.errors import InspectorError, StoreUnavailable
    from pages.ui import watch  # not before all that it imports is there
    from pages.ui.security import inert

    page = st.navigation(
        [
            st.Page("pages/chat.py", title="Chat", default=True),
            st.Page("pages/compare.py", title="Compare"),
            st.Page("pages/lessons.py", title="Lessons"),
            st.Page("pages/longterm.py", title="Long-term memory"),
            st.Page("pages/documents.py", title="Documents"),
            st.Page("pages/settings.py", title="Settings"),
        ],
        position="top",
    )
    if owner_id().cookies_blocked:
        st.warning(
            "Your browser refuses this page's cookie, so it cannot know you again: what you do here lasts until you "
            "close or reload this tab. Allow cookies for this address and reload to keep your conversations.",
            icon=":material/cookie_off:",
        )
    # Always there, so that no box below moves and loses what is being typed into it when a notice comes or goes.
    place = st.container()
    try:
        page.run()
        watch.whole()
        with place:
            watch.notice()
            came_back.told()
    except StoreUnavailable as error:
        watch.broken_off(error)
    except InspectorError as error:  # above all a wrong setting of the server, which no page can do without
        st.error(inert(str(error)), icon=":material/error:")
    finally:  # also where the page asks to be drawn again
        warmup.drawn()
