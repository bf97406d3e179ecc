"""Prints what a hostile program would: a title change, a clipboard write, a screen clear, bidirectional overrides."""
import sys

sys.stdout.buffer.write(b"\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x1b[2Jred\x1b[31m\xe2\x80\xaeevil\xc2\x9b31m\n")
sys.stdout.buffer.flush()
sys.stdin.read()
