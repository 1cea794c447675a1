"""Where the shipped cassettes come from: short stories, written out frame by frame. The running mock never imports it.

python -m mocks.stories            write mocks/cassettes
python -m mocks.stories --check    exit 4 when a committed cassette is stale
"""
