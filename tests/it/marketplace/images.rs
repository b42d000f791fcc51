//! The image resizer, with real images: 40 × 20 pixels, the left half red, the right one blue; in `clear.png` transparent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::deploy;
use super::png::Png;
use crate::language::in_every_language;
use crate::platform::Platform;
use crate::raw;

const RED: [u8; 3] = [0xd0, 0x20, 0x10];
const BLUE: [u8; 3] = [0x10, 0x20, 0xd0];
const WHITE: [u8; 3] = [0xff, 0xff, 0xff];
const BLACK: [u8; 3] = [0, 0, 0];
const IMAGES: [(&str, &[u8]); 3] = [
    ("png", include_bytes!("images/halves.png")),
    ("jpeg", include_bytes!("images/halves.jpeg")),
    ("webp", include_bytes!("images/halves.webp")),
];
/// Its quarters are red, blue, white and black, from left to right and from top to bottom.
const QUARTERS: &[u8] = include_bytes!("images/quarters.jpeg");
const CLEAR: &[u8] = include_bytes!("images/clear.png");

fn kind(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, 0xff, ..] => "jpeg",
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => "webp",
        _ => "unknown",
    }
}

fn invoke(platform: &Platform, name: &str, image: &[u8], options: &Value) -> Value {
    let mut body = options.clone();
    body["image"] = BASE64.encode(image).into();
    platform.invoke(name, &body).expect(200).json()
}

#[track_caller]
fn image_of(answer: &Value) -> Vec<u8> {
    let text = answer["body"]["image"].as_str();
    let text = text.unwrap_or_else(|| panic!("no image in {answer}"));
    BASE64.decode(text).expect("base64")
}

#[test]
fn every_format_becomes_every_other_one_in_every_shape() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let name = deploy(&platform, "image-resizer", language, &json!({}));
        for (from, image) in IMAGES {
            for to in ["png", "jpeg", "webp", "same"] {
                let options = json!({"width": 20, "format": to, "quality": 90});
                let answer = invoke(&platform, &name, image, &options);
                let out = image_of(&answer);
                let wanted = if to == "same" { from } else { to };
                assert_eq!(kind(&out), wanted, "{from} to {to}");
                assert_eq!(answer["body"]["type"], format!("image/{wanted}"));
                // What came of it is an image that can be read again.
                let again = invoke(
                    &platform,
                    &name,
                    &out,
                    &json!({"width": 10, "format": "png"}),
                );
                let png = Png::read(&image_of(&again));
                assert_eq!((png.width, png.height), (10, 5), "{from} to {to}");
                assert!(png.is(1, 2, RED) && png.is(8, 2, BLUE), "{from} to {to}");
            }
            let cases = [
                (json!({"height": 10}), (20, 10)),
                (json!({"width": 10, "height": 10}), (10, 5)),
                (json!({"width": 10, "height": 10, "fit": "cover"}), (10, 10)),
                (json!({"width": 10, "height": 10, "fit": "fill"}), (10, 10)),
                (json!({"width": 80, "fit": "cover"}), (80, 40)),
                (
                    json!({"width": "7", "height": "1", "fit": "contain"}),
                    (2, 1),
                ),
            ];
            for (mut options, size) in cases {
                options["format"] = "png".into();
                let answer = invoke(&platform, &name, image, &options);
                let png = Png::read(&image_of(&answer));
                assert_eq!((png.width, png.height), size, "{from}: {options}");
                if png.width > 2 {
                    let (last, low) = (png.width - 1, png.height - 1);
                    assert!(
                        png.is(0, 0, RED) && png.is(last, low, BLUE),
                        "{from}: {options}"
                    );
                }
            }
        }
        let options = json!({"width": 40, "format": "jpeg", "quality": 95});
        let jpeg = image_of(&invoke(&platform, &name, CLEAR, &options));
        let png = image_of(&invoke(
            &platform,
            &name,
            &jpeg,
            &json!({"width": 40, "format": "png"}),
        ));
        let png = Png::read(&png);
        assert!(
            png.is(2, 10, RED) && png.is(37, 10, WHITE),
            "white where it was clear"
        );
        let clear = image_of(&invoke(&platform, &name, CLEAR, &json!({"width": 10})));
        let clear = Png::read(&clear);
        assert_eq!(clear.channels, 4);
        assert_eq!(clear.lines[2][9 * 4 + 3], 0, "clear where it was clear");
    });
}

/// A PNG that says to be of this size, and has next to nothing in it.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = IMAGES[0].1.to_vec();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut sum = flate2::Crc::new();
    sum.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.sum().to_be_bytes());
    bytes
}

#[test]
fn what_is_no_image_or_too_much_of_one_is_refused() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let parameters = json!({"MAX_SIZE": "100", "MAX_PIXELS": "1000000"});
        let name = deploy(&platform, "image-resizer", language, &parameters);
        let png = IMAGES[0].1;
        let ten = json!({"width": 10});
        let cases: [(&[u8], Value, u16, &str); 14] = [
            (png, json!({}), 400, "bad_option"),
            (png, json!({"width": 0}), 400, "bad_option"),
            (png, json!({"width": 101}), 400, "bad_option"),
            (png, json!({"width": "ten"}), 400, "bad_option"),
            (png, json!({"height": 60}), 400, "bad_option"),
            (
                png,
                json!({"width": 10, "fit": "stretch"}),
                400,
                "bad_option",
            ),
            (
                png,
                json!({"width": 10, "format": "gif"}),
                400,
                "bad_option",
            ),
            (png, json!({"width": 10, "quality": 101}), 400, "bad_option"),
            (
                b"GIF89a\x01\0\x01\0\0\0\0;",
                ten.clone(),
                415,
                "unknown_format",
            ),
            (
                b"<svg xmlns='http://www.w3.org/2000/svg'/>",
                ten.clone(),
                415,
                "unknown_format",
            ),
            (b"", ten.clone(), 415, "unknown_format"),
            (&bomb(1_001, 1_000), ten.clone(), 413, "too_many_pixels"),
            (
                &bomb(2_000_000_000, 2_000_000_000),
                ten.clone(),
                413,
                "too_many_pixels",
            ),
            (&png[..80], ten.clone(), 422, "damaged"),
        ];
        for (image, options, status, code) in cases {
            let answer = invoke(&platform, &name, image, &options);
            assert_eq!(answer["statusCode"], status, "{code} {options}: {answer}");
            assert_eq!(answer["body"]["code"], code, "{options}: {answer}");
        }
        let text = platform.invoke(&name, &json!({"image": "no base64!", "width": 1}));
        assert_eq!(text.expect(200).json()["statusCode"], 400);
        // After all that it still does its work.
        image_of(&invoke(&platform, &name, png, &ten));
    });
}

#[test]
fn over_http_the_body_is_the_image_whatever_its_type_says() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let name = deploy(
            &platform,
            "image-resizer",
            language,
            &json!({"FORMAT": "png"}),
        );
        let path = format!("/functions/{name}/http?width=10&height=10&fit=cover");
        for (from, image) in IMAGES {
            for claimed in ["image/gif", "application/octet-stream"] {
                let headers = [("content-type", claimed)];
                let answer = raw::request(&platform, "POST", "localhost", &path, &headers, image);
                let answer = answer.expect(200);
                assert_eq!(answer.header("content-type"), "image/png", "{from}");
                let png = Png::read(&answer.bytes);
                assert_eq!((png.width, png.height), (10, 10));
            }
        }
        raw::get(&platform, "localhost", &path, &[]).expect(405);
    });
}

/// A photograph that says how it is to be turned, in either order of bytes.
fn turned(orientation: u8, is_little: bool) -> Vec<u8> {
    let data: [&[u8]; 2] = match is_little {
        true => [
            b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0",
            &[orientation, 0, 0, 0, 0, 0, 0, 0],
        ],
        false => [
            b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01",
            &[0, orientation, 0, 0, 0, 0, 0, 0],
        ],
    };
    let data = [&b"Exif\0\0"[..], &data.concat()].concat();
    let length = u16::try_from(data.len() + 2).expect("a short piece");
    let (begin, rest) = QUARTERS.split_at(2);
    [begin, b"\xff\xe1", &length.to_be_bytes(), &data, rest].concat()
}

#[test]
fn photographs_are_turned_as_they_say() {
    let platform = Platform::shared();
    // Top left, top right, bottom left, bottom right.
    let corners = [
        [RED, BLUE, WHITE, BLACK],
        [BLUE, RED, BLACK, WHITE],
        [BLACK, WHITE, BLUE, RED],
        [WHITE, BLACK, RED, BLUE],
        [RED, WHITE, BLUE, BLACK],
        [WHITE, RED, BLACK, BLUE],
        [BLACK, BLUE, WHITE, RED],
        [BLUE, BLACK, RED, WHITE],
    ];
    in_every_language(|language| {
        let name = deploy(
            &platform,
            "image-resizer",
            language,
            &json!({"FORMAT": "png"}),
        );
        for (orientation, corners) in (1..).zip(corners) {
            let image = turned(orientation, orientation % 2 == 0);
            let size = if orientation > 4 { (20, 40) } else { (40, 20) };
            for (options, size) in [
                (json!({"width": size.0}), size),
                (
                    json!({"width": size.0 / 2, "height": size.1, "fit": "cover"}),
                    (size.0 / 2, size.1),
                ),
            ] {
                let png = Png::read(&image_of(&invoke(&platform, &name, &image, &options)));
                assert_eq!((png.width, png.height), size, "{orientation}: {options}");
                let (right, low) = (png.width - 1, png.height - 1);
                let places = [(0, 0), (right, 0), (0, low), (right, low)];
                for ((x, y), colour) in places.into_iter().zip(corners) {
                    assert!(png.is(x, y, colour), "{orientation}: {options} at {x}, {y}");
                }
            }
        }
        // What says so wrongly is not turned.
        let png = image_of(&invoke(
            &platform,
            &name,
            &turned(9, true),
            &json!({"width": 40}),
        ));
        assert!(Png::read(&png).is(0, 0, RED));
    });
}
