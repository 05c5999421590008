"""Marks on a generated metal surface: the defects to find, and the harmless things that look like them.

Each function draws on a `Surface` and returns the share of each pixel that the mark covers, 0..1. `severity` runs
from 0 (an inspector would argue) to 1 (nobody would). `at` is the mark's centre (x, y) in surface pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.data.metal import Plane, Surface, blur, grid, noise

Point = tuple[float, float]
Path = NDArray[np.float64]  # (points, 2): x, y, half a pixel apart


def scratch(rng: np.random.Generator, surface: Surface, at: Point, severity: float) -> Plane:
    """One to three grooves with a raised burr, a little bent, fading at the ends; rarely in line with the grain."""
    unit, roughness = surface.unit, surface.roughness
    away = rng.uniform(0.12, np.pi - 0.12) if rng.random() < 0.85 else rng.normal(0, 0.06)
    heading = surface.grain + away
    cover = np.zeros_like(surface.height)
    for strand in range(1 + int(rng.random() < 0.25) + int(rng.random() < 0.12)):
        length = rng.uniform(35, 80 + 130 * severity) * unit * (1 if strand == 0 else rng.uniform(0.3, 0.8))
        shift = strand * rng.uniform(2.5, 7) * unit
        start = (at[0] - shift * np.sin(heading), at[1] + shift * np.cos(heading))
        path = bent_path(rng, start, heading + rng.normal(0, 0.03), length, bend=rng.normal(0, 0.5))
        fade = _taper(len(path)) * (0.65 + 0.35 * _wander(rng, len(path)))
        width = rng.uniform(0.55, 0.75 + 0.6 * severity) * unit
        groove = trace(path, fade, width, surface.side)
        burr = trace(path, fade, width * 2.1, surface.side) - groove
        depth = (0.24 + 1.0 * severity) * rng.uniform(0.8, 1.25) * roughness * unit
        surface.height += np.float32(depth) * (0.45 * burr - groove)
        bare = 1 + (rng.uniform(0.0, 0.4) if rng.random() < 0.6 else rng.uniform(-0.3, 0.0)) * (0.3 + 0.7 * severity)
        surface.reflectance *= (1 + (bare - 1) * groove)[..., None].astype(np.float32)
        cover = np.maximum(cover, groove)
    return cover


def crack(rng: np.random.Generator, surface: Surface, at: Point, severity: float) -> Plane:
    """A jagged dark line that splits into branches; narrower towards its tips, without a burr."""
    unit, roughness = surface.unit, surface.roughness
    cover: Plane = np.zeros_like(surface.height)
    branches = [(at, rng.uniform(0, 2 * np.pi), rng.uniform(45, 75 + 110 * severity) * unit, 1.0)]
    while branches:
        start, heading, length, strength = branches.pop()
        path = jagged_path(rng, start, heading, length, unit, is_centred=strength == 1.0)
        fade = strength * _taper(len(path)) * (0.6 + 0.4 * _wander(rng, len(path)))
        cover = np.maximum(cover, trace(path, fade, rng.uniform(0.45, 0.6 + 0.5 * severity) * unit, surface.side))
        if strength > 0.6 and len(path) > 20:
            for _ in range(int(rng.integers(0, 2 + int(2.5 * severity)))):
                spot = int(rng.integers(len(path) // 6, len(path) - len(path) // 6))
                turn = rng.choice((-1, 1)) * rng.uniform(0.4, 1.1)
                fork = (float(path[spot, 0]), float(path[spot, 1]))
                branches.append((fork, heading + turn, length * rng.uniform(0.15, 0.4), strength * 0.55))
    darkness = min(0.95, (0.34 + 0.5 * severity) * roughness)
    surface.reflectance *= (1 - darkness * cover)[..., None].astype(np.float32)
    surface.height -= np.float32((0.2 + 0.5 * severity) * roughness * unit) * cover
    return cover


def pit(rng: np.random.Generator, surface: Surface, at: Point, severity: float) -> Plane:
    """A few holes with ragged edges and a dark floor, close together, some with a corroded halo."""
    unit, side, roughness = surface.unit, surface.side, surface.roughness
    y, x = grid(side)
    cover: Plane = np.zeros_like(surface.height)
    spread = rng.uniform(5, 32) * unit
    ragged = noise(rng, side, 2.2 * unit, 2.2 * unit)
    for number in range(1 + int(rng.poisson(1.5 + 3.5 * severity))):
        radius = rng.uniform(1.5, 2.2 + 3.4 * severity) * unit * (1 if number == 0 else rng.uniform(0.45, 1))
        cx, cy = (at[0] + rng.normal(0, spread), at[1] + rng.normal(0, spread)) if number else at
        squeeze, turn = rng.uniform(0.65, 1), rng.uniform(0, np.pi)
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        v = ((y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)) / squeeze
        edge = np.hypot(u, v) / radius + 0.2 * ragged
        hole = (1 / (1 + np.exp(np.clip((edge - 1) * 5, -30, 30)))).astype(np.float32)
        cover = np.maximum(cover, hole)
    surface.height -= np.float32((0.7 + 1.8 * severity) * roughness * unit) * cover
    floor = min(0.85, rng.uniform(0.25, 0.55) * (0.5 + 0.7 * severity) * roughness)
    surface.reflectance *= (1 - floor * cover)[..., None].astype(np.float32)
    if rng.random() < 0.35:
        halo = blur(cover, 4 * unit)[..., None] * np.array([0.12, 0.2, 0.28], np.float32)
        surface.reflectance *= 1 - np.float32(0.4 + severity) * halo
    return cover


def stain(rng: np.random.Generator, surface: Surface, at: Point, severity: float) -> Plane:
    """A film that dims and tints without relief: uneven inside, its rim darker where it dried, or drawn out in runs."""
    unit, side = surface.unit, surface.side
    y, x = grid(side)
    turn, squeeze = rng.uniform(0, np.pi), rng.uniform(0.4, 1)
    radius = rng.uniform(16, 30 + 36 * severity) * unit
    u = (x - at[0]) * np.cos(turn) + (y - at[1]) * np.sin(turn)
    v = ((y - at[1]) * np.cos(turn) - (x - at[0]) * np.sin(turn)) / squeeze
    shape = np.hypot(u, v) / radius + 0.3 * noise(rng, side, 11 * unit, 11 * unit) * rng.uniform(0.4, 1)
    softness = rng.uniform(4, 16)
    cover: Plane = (1 / (1 + np.exp(np.clip((shape - 1) * softness, -30, 30)))).astype(np.float32)
    rim = 4 * cover * (1 - cover) * rng.uniform(0, 0.9)
    film = cover * (0.75 + 0.2 * noise(rng, side, 7 * unit, 7 * unit)) + rim
    tints = ((0.22, 0.36, 0.55), (0.42, 0.36, 0.26), (0.4, 0.4, 0.38), (0.3, 0.42, 0.3), (-0.18, -0.2, -0.22))
    tint = np.array(tints[int(rng.integers(len(tints)))], np.float32) * np.float32(
        (0.2 + 0.6 * severity) * surface.roughness**0.5
    )
    surface.reflectance *= np.clip(1 - film[..., None] * tint, 0.1, 1.6).astype(np.float32)
    return cover


def dent(rng: np.random.Generator, surface: Surface, at: Point, severity: float) -> Plane:
    """A smooth hollow: its slopes catch the light, and the finish is pressed flatter inside."""
    unit = surface.unit
    y, x = grid(surface.side)
    turn, squeeze = rng.uniform(0, np.pi), rng.uniform(0.45, 1)
    radius = rng.uniform(11, 20 + 22 * severity) * unit
    u = ((x - at[0]) * np.cos(turn) + (y - at[1]) * np.sin(turn)) / radius
    v = ((y - at[1]) * np.cos(turn) - (x - at[0]) * np.sin(turn)) / (radius * squeeze)
    reach = (np.abs(u) ** 2.4 + np.abs(v) ** 2.4) ** (1 / 2.4)
    roughness = surface.roughness
    hollow = np.exp(-(reach ** rng.uniform(1.8, 3.6))).astype(np.float32)
    lip = np.exp(-(((reach - 1.35) / 0.3) ** 2)).astype(np.float32)
    surface.height *= 1 - np.float32(0.35) * hollow
    depth = radius * (0.06 + 0.24 * severity) * roughness
    surface.height += np.float32(depth) * (np.float32(rng.uniform(0.0, 0.14)) * lip - hollow)
    cover: Plane = np.clip(hollow * np.float32(1.6), 0, 1)
    return cover


DEFECTS: dict[str, Callable[[np.random.Generator, Surface, Point, float], Plane]] = {
    "scratch": scratch,
    "pit": pit,
    "stain": stain,
    "crack": crack,
    "dent": dent,
}


def add_harmless(rng: np.random.Generator, surface: Surface) -> None:
    """Draw what good parts have too: machining marks, dust, fibres, handling haze, a drilled hole, a worked edge."""
    if rng.random() < 0.45:
        _machining_marks(rng, surface)
    if rng.random() < 0.6:
        _dust(rng, surface, int(rng.integers(1, 14)))
    if rng.random() < 0.16:
        _fibre(rng, surface)
    if rng.random() < 0.3:
        haze = blur(np.maximum(noise(rng, surface.side, 45 * surface.unit, 30 * surface.unit), 0), 2)
        surface.reflectance *= (1 - np.float32(rng.uniform(-0.05, 0.07)) * haze)[..., None]
    feature = rng.random()
    if feature < 0.12:
        _drilled_hole(rng, surface)
    elif feature < 0.24:
        _worked_edge(rng, surface)


def _machining_marks(rng: np.random.Generator, surface: Surface) -> None:
    """Fine tool lines in the direction of the grain: regular, shallow, and no defect."""
    unit, side = surface.unit, surface.side
    for _ in range(int(rng.integers(1, 7))):
        spot = (float(rng.uniform(0, side)), float(rng.uniform(0, side)))
        length = rng.uniform(40, 260) * unit
        path = bent_path(rng, spot, surface.grain + rng.normal(0, 0.015), length, bend=rng.normal(0, 0.03))
        line = trace(path, _taper(len(path)), rng.uniform(0.45, 0.8) * unit, side)
        surface.height -= np.float32(rng.uniform(0.1, 0.45) * unit) * line


def _dust(rng: np.random.Generator, surface: Surface, specks: int) -> None:
    """Specks that lie on the surface: lighter or darker, without the rim of a hole."""
    for _ in range(specks):
        x, y = rng.uniform(0, surface.side, 2)
        path = bent_path(rng, (float(x), float(y)), rng.uniform(0, np.pi), rng.uniform(0.5, 4) * surface.unit, bend=0.5)
        speck = trace(path, np.ones(len(path)), rng.uniform(0.5, 1.5) * surface.unit, surface.side)
        surface.reflectance *= (1 + np.float32(rng.choice((-0.35, 0.3)) * rng.uniform(0.3, 1)) * speck)[..., None]
        surface.height += np.float32(0.25 * surface.unit) * speck


def _fibre(rng: np.random.Generator, surface: Surface) -> None:
    """A thread of cloth: evenly wide, strongly curved, lying on top with a soft shadow."""
    unit = surface.unit
    spot = (float(rng.uniform(0, surface.side)), float(rng.uniform(0, surface.side)))
    path = bent_path(rng, spot, rng.uniform(0, 2 * np.pi), rng.uniform(20, 80) * unit, bend=rng.normal(0, 2.5))
    thread = trace(path, np.ones(len(path)), 0.6 * unit, surface.side)
    shadow = np.roll(trace(path, np.ones(len(path)), 1.4 * unit, surface.side), round(unit), axis=0)
    surface.reflectance *= (1 - 0.18 * shadow)[..., None].astype(np.float32)
    surface.reflectance *= (1 + np.float32(rng.choice((-0.4, 0.35))) * thread)[..., None]


def _drilled_hole(rng: np.random.Generator, surface: Surface) -> None:
    """A round hole with a bright countersink, mostly near a corner of the part."""
    y, x = grid(surface.side)
    cx, cy = rng.choice((0.12, 0.88), 2) * surface.side + rng.normal(0, 0.07 * surface.side, 2)
    radius = rng.uniform(12, 26) * surface.unit
    reach = np.hypot(x - cx, y - cy) - radius
    sunk = np.clip(1 - reach / (5 * surface.unit), 0, 1).astype(np.float32)
    surface.height = surface.height * (1 - sunk) - np.float32(5 * surface.unit) * sunk
    inside = (1 / (1 + np.exp(np.clip(reach / (0.5 * surface.unit), -30, 30)))).astype(np.float32)
    surface.reflectance *= (1 - 0.9 * inside)[..., None]


def _worked_edge(rng: np.random.Generator, surface: Surface) -> None:
    """The part ends within the picture: a chamfer, and the dark fixture beyond."""
    y, x = grid(surface.side)
    heading = rng.integers(4) * np.pi / 2 + rng.normal(0, 0.04)
    far = rng.uniform(0.28, 0.36) * surface.side
    beyond = (x - surface.side / 2) * np.cos(heading) + (y - surface.side / 2) * np.sin(heading) - far
    chamfer = np.clip(beyond / (6 * surface.unit), 0, 1).astype(np.float32)
    surface.height = surface.height * (1 - 0.7 * chamfer) - np.float32(3.5 * surface.unit) * chamfer
    outside = (1 / (1 + np.exp(np.clip(-(beyond / surface.unit - 7) * 1.5, -30, 30)))).astype(np.float32)
    surface.reflectance *= (1 - np.float32(rng.uniform(0.72, 0.92)) * outside)[..., None]


def bent_path(rng: np.random.Generator, centre: Point, heading: float, length: float, *, bend: float) -> Path:
    """Return a smooth curve through `centre` that turns by about `bend` rad from end to end."""
    points = max(3, int(2 * length))
    along = np.linspace(-0.5, 0.5, points)
    angles = heading + bend * along + 0.04 * _wander(rng, points)
    steps = np.column_stack((np.cos(angles), np.sin(angles))) * (length / points)
    path: Path = np.cumsum(steps, axis=0)
    moved: Path = path - path[points // 2] + np.asarray(centre)
    return moved


def jagged_path(
    rng: np.random.Generator, start: Point, heading: float, length: float, unit: float, *, is_centred: bool
) -> Path:
    """Return a line of short straight pieces with sudden turns, from `start` or centred on it."""
    corners = [np.zeros(2)]
    drift = heading
    while len(corners) * 5 * unit < length + 5 * unit:
        drift += rng.normal(0, 0.16)
        turn = drift + rng.normal(0, 0.5)
        corners.append(corners[-1] + rng.uniform(2, 8) * unit * np.array([np.cos(turn), np.sin(turn)]))
    knots = np.asarray(corners)
    distance = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T))))
    at = np.arange(0, distance[-1], 0.5)
    path: Path = np.column_stack((np.interp(at, distance, knots[:, 0]), np.interp(at, distance, knots[:, 1])))
    moved: Path = path - (path[len(path) // 2] if is_centred else 0) + np.asarray(start)
    return moved


def trace(path: Path, strength: NDArray[np.float64], width: float, side: int) -> Plane:
    """Return a (side, side) plane with a soft line along `path`: Gaussian across, `strength` along, at most 1."""
    reach = int(3 * width) + 2
    offsets = np.arange(-reach, reach + 1)
    base = np.floor(path).astype(np.int64)
    xs, ys = base[:, 0, None, None] + offsets[None, None, :], base[:, 1, None, None] + offsets[None, :, None]
    squared = (xs - path[:, 0, None, None]) ** 2 + (ys - path[:, 1, None, None]) ** 2
    values = strength[:, None, None] * np.exp(-squared / (2 * width**2))
    xs, ys = np.broadcast_arrays(xs, ys)
    inside = (xs >= 0) & (xs < side) & (ys >= 0) & (ys < side)
    plane = np.zeros((side, side), np.float32)
    np.maximum.at(plane, (ys[inside], xs[inside]), values[inside].astype(np.float32))
    return plane


def _taper(points: int) -> NDArray[np.float64]:
    """Return strengths that rise from 0 at one end and fall to 0 at the other."""
    return np.clip(np.sin(np.pi * (np.arange(points) + 0.5) / points) * 1.8, 0, 1)


def _wander(rng: np.random.Generator, points: int) -> NDArray[np.float64]:
    """Return a smooth random line between about -1 and 1."""
    knots = max(3, points // 24)
    return np.interp(np.linspace(0, knots - 1, points), np.arange(knots), rng.uniform(-1, 1, knots))
