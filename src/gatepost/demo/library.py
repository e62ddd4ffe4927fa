"""The sample data of the demo servers: a shelf of films in the public domain."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Film:
    """One film: the key it has in the library, its title and year, its length in minutes."""

    key: str
    title: str
    year: int
    minutes: int


LIBRARY_KEY = "1"
LIBRARY_TITLE = "Silent classics"

FILMS: tuple[Film, ...] = (
    Film("101", "A Trip to the Moon", 1902, 13),
    Film("102", "The Great Train Robbery", 1903, 12),
    Film("103", "The Cabinet of Dr. Caligari", 1920, 77),
    Film("104", "Nosferatu", 1922, 94),
    Film("105", "Safety Last!", 1923, 73),
    Film("106", "Sherlock Jr.", 1924, 45),
    Film("107", "The Lost World", 1925, 106),
    Film("108", "The General", 1926, 79),
    Film("109", "Metropolis", 1927, 153),
    Film("110", "Sunrise", 1927, 94),
    Film("111", "The Passion of Joan of Arc", 1928, 82),
    Film("112", "Man with a Movie Camera", 1929, 68),
)
