"""Start images: what they are made of, and what they do not depend on."""

import numpy as np
import pytest
import reference

from pipeline.core.noise import multi_wavelength_noise, random_cells


def noise(*, size=12, wavelengths=(3, 6, 12), amplitudes=(0.5, 0.5, 0.5), maps=(0, 1, 2), seed=5, start=0):
    return multi_wavelength_noise((size, size, 1), wavelengths, amplitudes, [(m, start) for m in maps], seed=seed)


@pytest.mark.parametrize("cells", [2, 3, 7, 12])
def test_cells_are_evenly_spread_between_minus_one_and_one(cells):
    values = np.stack([random_cells(cells, seed=seed, map_index=0) for seed in range(2000)])
    assert values.shape[1:] == (cells, cells)
    assert -1 <= values.min() < -0.99
    assert 0.99 < values.max() < 1
    # the standard error of a mean of 2000 is 0.013
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=0.08)
    assert values.std() == pytest.approx(1 / np.sqrt(3), abs=0.01)


@pytest.mark.parametrize(
    "other", [{"seed": 6}, {"map_index": 4}, {"map_index": -1}, {"start": 1}], ids=lambda other: str(other)
)
def test_other_seeds_maps_and_starts_have_other_cells(other):
    arguments = {"seed": 5, "map_index": 0, "start": 0}
    cells, others = random_cells(7, **arguments), random_cells(7, **{**arguments, **other})
    assert (cells != others).all()
    np.testing.assert_array_equal(cells, random_cells(7, **arguments))


def test_the_cells_of_one_wavelength_say_nothing_about_those_of_another():
    few, many = (random_cells(cells, seed=5, map_index=0).ravel() for cells in (3, 7))
    assert (few != many[:9]).all()


@pytest.mark.parametrize(
    ("wavelengths", "amplitudes"),
    [((3,), (1.0,)), ((3, 7, 12), (0.5, 0.5, 0.5)), ((2, 5), (1.0, -0.25)), ((12,), (2.0,)), ((3, 12), (0.5, 0.1))],
)
def test_noise_is_the_sum_of_enlarged_cells_standardized(wavelengths, amplitudes):
    images = noise(wavelengths=wavelengths, amplitudes=amplitudes, maps=[4, 0])
    for image, map_index in zip(images, [4, 0], strict=True):
        enlarged = [reference.resize(random_cells(cells, seed=5, map_index=map_index), 12) for cells in wavelengths]
        total = sum(amplitude * part for amplitude, part in zip(amplitudes, enlarged, strict=True))
        np.testing.assert_allclose(image[..., 0], reference.standardize(total), atol=1e-5)


def test_noise_with_as_many_cells_as_pixels_is_the_cells_themselves():
    (image,) = noise(wavelengths=[12], amplitudes=[0.3], maps=[1])
    np.testing.assert_allclose(image[..., 0], reference.standardize(random_cells(12, seed=5, map_index=1)), atol=1e-5)


def test_enlarged_cells_of_the_reference_keep_an_even_area_and_a_slope():
    np.testing.assert_allclose(reference.resize(np.full((3, 3), 7.0), 12), 7)
    ramp = np.broadcast_to(np.arange(6.0), (6, 6))
    # pixel centres: output j lies at (j + 0.5) / 2 - 0.5 of the input; the border is left out
    np.testing.assert_allclose(reference.resize(ramp, 12)[5, 3:9], (np.arange(3, 9) + 0.5) / 2 - 0.5)


def test_every_image_has_mean_0_and_standard_deviation_1():
    images = noise(maps=range(-1, 20), wavelengths=[3, 12], amplitudes=[0.5, 0.01])
    assert images.dtype == np.float32
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(images.std(axis=(1, 2, 3)), 1, atol=1e-5)


def test_amplitude_0_switches_a_wavelength_off():
    with_nothing = noise(wavelengths=[3, 6, 12], amplitudes=[0.5, 0.0, 0.2])
    without = noise(wavelengths=[3, 12], amplitudes=[0.5, 0.2])
    np.testing.assert_allclose(with_nothing, without, atol=1e-6)
    assert np.abs(without - noise(wavelengths=[3, 6, 12], amplitudes=[0.5, 0.5, 0.2])).max() > 0.1


def test_only_the_ratio_of_the_amplitudes_counts():
    np.testing.assert_allclose(noise(amplitudes=[0.1, 0.2, 0.3]), noise(amplitudes=[1, 2, 3]), atol=1e-5)


@pytest.mark.parametrize("maps", [[2], [2, 0], [7, 2, -1]])
def test_the_noise_of_a_map_does_not_depend_on_the_maps_beside_it(maps):
    np.testing.assert_array_equal(noise(maps=maps)[maps.index(2)], noise(maps=[0, 1, 2])[2])


def test_a_wavelength_keeps_its_cells_when_others_join():
    long, short, both = (
        noise(wavelengths=wavelengths, amplitudes=[1.0] * len(wavelengths), maps=[3])[0].ravel()
        for wavelengths in ([3], [12], [3, 12])
    )
    # `both` is a mixture of exactly these two patterns
    weights, residual, *_ = np.linalg.lstsq(np.stack([long, short], axis=1), both, rcond=None)
    assert residual[0] < 1e-6
    assert (weights > 0.1).all()


def test_same_seed_same_bits_other_seed_other_bits():
    np.testing.assert_array_equal(noise(), noise())
    assert (noise() != noise(seed=6)).mean() > 0.99
