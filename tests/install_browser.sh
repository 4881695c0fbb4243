#!/bin/sh
# Install Chromium for the tests that look at pages, where this machine lets us; say so where not.
command -v chromium >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing Chromium for the tests that look at pages"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq chromium fonts-dejavu-core; } >/dev/null 2>&1 && exit 0
fi
echo "Chromium is not installed and cannot be from here: the tests that look at pages are skipped."
echo "Install it (on Debian: apt-get install chromium) to run them."
