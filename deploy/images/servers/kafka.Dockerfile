# Apache Kafka, for machines that reach no image registry. It takes the settings of the official image that compose uses.
ARG PYTHON
FROM ${PYTHON}
COPY java /opt/java
COPY jars /opt/kafka
COPY --chown=65532:65532 data /var/lib/kafka/data
COPY kafka.py /opt/entrypoint.py
USER 65532:65532
ENTRYPOINT ["python3", "-I", "/opt/entrypoint.py"]
