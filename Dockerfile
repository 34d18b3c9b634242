# One process of the app. Without REDIS_URL it starts the embedded server and keeps everything in /data.
FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 ANONYMIZED_TELEMETRY=False MEMORY_INSPECTOR_HOME=/data
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt && useradd --create-home --uid 10001 inspector && mkdir /data && chown inspector /data
COPY app.py ./
COPY .streamlit/config.toml .streamlit/
COPY memory memory
COPY pages pages
USER inspector
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=5s --timeout=5s --retries=24 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/readyz', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "app.py", "--server.address", "0.0.0.0", "--server.port", "8501"]
