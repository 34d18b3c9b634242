"""A memory beside the messages of LangChain's agents and LangGraph's graphs; `memory/middleware.py` is its face."""
