"""Generated metal surfaces: the finish of a part, its light, and the camera that looks at it.

A surface is a relief (height in pixels) and a reflectance. Marks change both, and one light shades them all: so a
groove is bright on one side, dark on the other, and consistently so within an Image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Finish = Literal["brushed", "ground", "cast", "rolled"]
FINISHES: tuple[Finish, ...] = ("brushed", "ground", "cast", "rolled")


@dataclass
class Surface:
    """A square piece of metal, seen from above.

    `height` (n, n) in pixels; `reflectance` (n, n, 3), 1.0 = the bare metal; `unit` is how many pixels one pixel of a
    256-pixel Image has here, so that looks do not depend on the size; `grain` is the direction of the finish in rad.
    """

    height: Plane
    reflectance: Plane
    unit: float
    finish: Finish
    grain: float
    gloss: float  # 0 = matt .. 1 = mirror-like

    @property
    def roughness(self) -> float:
        """How much a mark must stand out to be seen: 1 on a smooth finish, more on a rough one."""
        down, right = np.gradient(self.height)
        return 1 + 2.2 * float(np.hypot(down, right).mean())

    @property
    def side(self) -> int:
        """Pixels along one edge."""
        return len(self.height)


def grid(side: int) -> tuple[Plane, Plane]:
    """Return the y and x coordinates of every pixel, each broadcastable to (side, side)."""
    line = np.arange(side, dtype=np.float32)
    return line[:, None], line[None, :]


def noise(rng: np.random.Generator, side: int, along: float, across: float, angle: float = 0.0) -> Plane:
    """Return Gaussian noise of unit variance, smooth over `along` x `across` pixels in the direction `angle`."""
    white = rng.standard_normal((side, side), dtype=np.float32)
    fy = np.fft.fftfreq(side).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(side).astype(np.float32)[None, :]
    u, v = fx * np.cos(angle) + fy * np.sin(angle), fy * np.cos(angle) - fx * np.sin(angle)
    spectrum = np.fft.rfft2(white) * np.exp(-2 * np.pi**2 * ((u * along) ** 2 + (v * across) ** 2), dtype=np.float32)
    smooth = np.fft.irfft2(spectrum, s=(side, side)).astype(np.float32)
    scaled: Plane = (smooth - smooth.mean()) / np.float32(smooth.std() + 1e-9)
    return scaled


def blur(plane: Plane, sigma: float) -> Plane:
    """Return `plane` (n, n) or (n, n, c), smoothed by a Gaussian of `sigma` pixels; edges are mirrored."""
    radius = max(1, int(3 * sigma + 0.5))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / max(sigma, 1e-3)) ** 2).astype(np.float32)
    taps /= taps.sum()
    for axis in (0, 1):
        pad = [(radius, radius) if a == axis else (0, 0) for a in range(plane.ndim)]
        padded = np.pad(plane, pad, mode="reflect")
        n = plane.shape[axis]
        views = (padded[i : i + n] if axis == 0 else padded[:, i : i + n] for i in range(len(taps)))
        plane = np.zeros_like(plane)
        for tap, view in zip(taps, views, strict=True):
            plane += tap * view
    return plane


def make_surface(rng: np.random.Generator, side: int, unit: float) -> Surface:
    """Draw a finish and make a faultless surface of it, with the tint and wear of one part."""
    finish = FINISHES[int(rng.integers(len(FINISHES)))]
    grain = float(rng.uniform(0, np.pi))
    relief, gloss = _RELIEFS[finish](rng, side, unit, grain)
    tint = 1 + rng.normal(0, 0.006, 3).astype(np.float32) + rng.normal(0, 0.018) * np.array([1, 0.1, -1], np.float32)
    mottle = 1 + np.float32(rng.uniform(0.01, 0.045)) * noise(rng, side, 40 * unit, 25 * unit, grain)
    mottle += np.float32(rng.uniform(0.005, 0.03)) * noise(rng, side, 5 * unit, 5 * unit)
    reflectance = (mottle[..., None] * tint).astype(np.float32)
    return Surface(relief, reflectance, unit, finish, grain, gloss)


def _brushed(rng: np.random.Generator, side: int, unit: float, grain: float) -> tuple[Plane, float]:
    fine = noise(rng, side, rng.uniform(35, 110) * unit, 0.55 * unit, grain)
    coarse = noise(rng, side, rng.uniform(60, 150) * unit, rng.uniform(1.2, 2.5) * unit, grain)
    stray = noise(rng, side, 22 * unit, 0.5 * unit, grain + rng.normal(0, 0.06))
    depth = np.float32(rng.uniform(0.05, 0.14))
    return depth * (fine + 0.9 * coarse + 0.6 * stray), float(rng.uniform(0.5, 0.9))


def _ground(rng: np.random.Generator, side: int, unit: float, grain: float) -> tuple[Plane, float]:
    """Marks of a grinding wheel: arcs around a far centre, broken up, over a shorter straight grain."""
    y, x = grid(side)
    far = rng.uniform(0.8, 4.0) * side
    radius = np.hypot(y - side / 2 - far * np.cos(grain), x - side / 2 + far * np.sin(grain))
    steps = int(radius.max() - radius.min()) + 3
    marks = np.zeros((side, side), np.float32)
    for share, width in ((1.0, 0.7), (0.8, 2.2)):
        kernel = np.exp(-0.5 * (np.arange(-9, 10) / (width * unit)) ** 2)
        line = np.convolve(rng.standard_normal(steps), kernel / np.sqrt((kernel**2).sum()), mode="same")
        broken = 1 + 0.6 * noise(rng, side, 18 * unit, 6 * unit, grain)
        marks += share * broken * np.interp(radius, radius.min() + np.arange(steps), line).astype(np.float32)
    short = noise(rng, side, rng.uniform(6, 16) * unit, 0.6 * unit, grain + rng.normal(0, 0.2))
    return np.float32(rng.uniform(0.05, 0.15)) * (marks + 0.7 * short), float(rng.uniform(0.35, 0.7))


def _cast(rng: np.random.Generator, side: int, unit: float, _grain: float) -> tuple[Plane, float]:
    grit = noise(rng, side, rng.uniform(0.9, 1.5) * unit, rng.uniform(0.9, 1.5) * unit)
    pebbles = noise(rng, side, rng.uniform(2.5, 4.5) * unit, rng.uniform(2.5, 4.5) * unit)
    humps = noise(rng, side, 12 * unit, 12 * unit)
    relief = 0.16 * grit + 0.55 * np.abs(pebbles) + 1.1 * humps
    return (np.float32(rng.uniform(0.35, 0.85)) * relief).astype(np.float32), float(rng.uniform(0.05, 0.3))


def _rolled(rng: np.random.Generator, side: int, unit: float, grain: float) -> tuple[Plane, float]:
    lines = noise(rng, side, 140 * unit, rng.uniform(1.5, 5) * unit, grain)
    waves = noise(rng, side, 60 * unit, 22 * unit, grain)
    skin = noise(rng, side, 1.6 * unit, 0.9 * unit, grain)
    relief = 0.05 * lines + rng.uniform(0.2, 0.9) * waves + rng.uniform(0.02, 0.06) * skin
    return relief.astype(np.float32), float(rng.uniform(0.4, 0.8))


_RELIEFS = {"brushed": _brushed, "ground": _ground, "cast": _cast, "rolled": _rolled}


@dataclass(frozen=True)
class Shot:
    """How one photograph is taken: where the window lies on the surface, the light and the camera."""

    left: int
    top: int
    azimuth: float  # where the light comes from, rad
    contrast: float  # how grazing the light is
    level: float  # mean brightness, 0..1
    glare: float
    glare_at: tuple[float, float]  # shares of the Image, may lie outside
    glare_width: float  # share of the Image
    gradient: float
    vignette: float
    warmth: float
    defocus: float  # sigma in pixels of a 256-pixel Image
    grain: float  # camera noise, share of full scale


def draw_shot(rng: np.random.Generator, spare: int, azimuth: float) -> Shot:
    """Draw a shot; `spare` is how far the window may move, `azimuth` where the station's lamp stands."""
    return Shot(
        left=int(rng.integers(spare + 1)),
        top=int(rng.integers(spare + 1)),
        azimuth=azimuth + float(rng.normal(0, 0.25)),
        contrast=float(rng.uniform(0.7, 1.35)),
        level=float(np.clip(rng.normal(0.5, 0.09), 0.27, 0.72)),
        glare=float(rng.uniform(0.05, 0.45) if rng.random() < 0.6 else 0.0),
        glare_at=(float(rng.uniform(-0.2, 1.2)), float(rng.uniform(-0.2, 1.2))),
        glare_width=float(rng.uniform(0.12, 0.5)),
        gradient=float(rng.uniform(0, 0.35)),
        vignette=float(rng.uniform(0, 0.35)),
        warmth=float(rng.normal(0, 0.018)),
        defocus=float(rng.uniform(0.25, 0.8) if rng.random() < 0.8 else rng.uniform(0.8, 1.5)),
        grain=float(rng.uniform(0.004, 0.022)),
    )


def photograph(rng: np.random.Generator, surface: Surface, shot: Shot, size: int) -> NDArray[np.uint8]:
    """Return the uint8 RGB Image (size, size, 3) of `surface`, as `shot` sees it."""
    window = (slice(shot.top, shot.top + size), slice(shot.left, shot.left + size))
    down, right = np.gradient(surface.height)
    slope = (right * np.cos(shot.azimuth) + down * np.sin(shot.azimuth))[window]
    steep = np.hypot(right, down)[window]
    lit = _glare(surface, shot, size)
    shade = 1 + shot.contrast * 1.5 * slope / (1 + 0.8 * np.abs(slope)) - 0.25 * np.minimum(steep, 1.5) ** 2
    shade = shade * _falloff(shot, size) + lit * (1 + 1.2 * slope)
    colour = shot.level * shade[..., None] * surface.reflectance[window]
    colour *= np.array([1 + shot.warmth, 1.0, 1 - shot.warmth], np.float32)
    colour = blur(np.maximum(colour, 0).astype(np.float32), shot.defocus * surface.unit)
    return _expose(rng, colour, shot.grain)


def _glare(surface: Surface, shot: Shot, size: int) -> Plane:
    """Reflection of the lamp: a band across the grain on a brushed surface, a round patch on a matt one."""
    y, x = grid(size)
    dy, dx = y / size - shot.glare_at[1], x / size - shot.glare_at[0]
    along = dx * np.cos(surface.grain) + dy * np.sin(surface.grain)
    across = dy * np.cos(surface.grain) - dx * np.sin(surface.grain)
    stretch = 1 + 5 * surface.gloss if surface.finish in ("brushed", "ground") else 1.0
    reach = (along / shot.glare_width) ** 2 + (across / (shot.glare_width * stretch)) ** 2
    patch: Plane = (shot.glare * (0.4 + surface.gloss) * np.exp(-reach)).astype(np.float32)
    return patch


def _falloff(shot: Shot, size: int) -> Plane:
    """Uneven light: brighter towards the lamp, darker in the corners."""
    y, x = grid(size)
    dy, dx = 2 * y / size - 1, 2 * x / size - 1
    towards = dx * np.cos(shot.azimuth) + dy * np.sin(shot.azimuth)
    light: Plane = (1 + shot.gradient * towards * 0.6) * (1 - shot.vignette * 0.5 * (dx**2 + dy**2))
    return light.astype(np.float32)


def _expose(rng: np.random.Generator, colour: Plane, grain: float) -> NDArray[np.uint8]:
    """Camera noise (more of it in bright places), a shoulder before white, and eight bits."""
    luma = rng.standard_normal(colour.shape[:2], dtype=np.float32)[..., None]
    chroma = rng.standard_normal(colour.shape, dtype=np.float32)
    spread = np.float32(grain) * np.sqrt(np.maximum(colour, np.float32(0.02)) + np.float32(0.15))
    colour = (colour + spread * (0.8 * luma + 0.45 * chroma)).astype(np.float32)
    knee = np.float32(0.78)
    over = np.maximum(colour - knee, 0)
    colour = np.minimum(colour, knee) + (1 - knee) * (1 - np.exp(-over / (1 - knee)))
    return (np.clip(colour, 0, 1) * 255 + 0.5).astype(np.uint8)
