#!/bin/sh
# Makes the base image of the services from Debian's packages, without an image registry: needs root, mmdebstrap and Docker.
#
# Usage: deploy/images/base.sh [image]
set -eu
image=${1:-customer-portal/python:3.13-trixie}
archive=$(mktemp --suffix=.tar)
trap 'rm -f "$archive"' EXIT
mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates,tzdata \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --aptopt='APT::Sandbox::User "root"' \
    trixie "$archive"
"${DOCKER:-docker}" import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' "$archive" "$image"
