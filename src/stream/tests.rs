//! Takers, without instances and without HTTP.

use super::*;

const LENGTHS: Lengths = Lengths {
    gathered: 8,
    given_on: 4,
};

fn head(body_kind: BodyKind) -> Answer {
    Answer {
        status_code: 200,
        headers: Vec::new(),
        body_kind,
        body: Bytes::new(),
    }
}

fn gathered(pieces: &[&'static [u8]]) -> Result<Answer, NotTaken> {
    let mut taker = Taker::gathering();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        taker.begin(&head(BodyKind::Text)).await?;
        for piece in pieces {
            taker.take(Bytes::from_static(piece), LENGTHS).await?;
        }
        Ok(taker.end(head(BodyKind::Text)))
    })
}

#[test]
fn gathered_text_is_text_when_it_is_as_a_whole() {
    let answer = gathered(&[b"a\xc3", b"\xa9", b""]).expect("short enough");
    assert_eq!(
        (answer.body_kind, &*answer.body),
        (BodyKind::Text, "aé".as_bytes())
    );
    let answer = gathered(&[b"a\xc3"]).expect("short enough");
    assert_eq!(answer.body_kind, BodyKind::Binary);
    let long = gathered(&[b"12345", b"6789"]);
    assert_eq!(long.map(drop), Err(NotTaken::TooLong(8)));
}

#[tokio::test]
async fn what_is_given_on_is_bounded_and_ends_with_its_taker() {
    let (mut taker, mut intake, _) = channel(Box::new(|_| Err("none".to_owned())));
    let whole = taker.check(&head(BodyKind::Text));
    assert_eq!(whole, Err(NotTaken::Refused("none".to_owned())));
    taker.begin(&head(BodyKind::Binary)).await.expect("taken");
    taker
        .take(Bytes::from_static(b"1234"), LENGTHS)
        .await
        .expect("taken");
    let long = taker.take(Bytes::from_static(b"5"), LENGTHS).await;
    assert_eq!(long, Err(NotTaken::TooLong(4)));
    let begun = head_of(&mut intake).expect("a head");
    assert!(matches!(intake.recv().await, Some(Part::Piece(_))));
    drop(intake);
    assert_eq!(taker.gone().await, NotTaken::Gone);
    begun.refusal.because("a reason".to_owned());
    let unbounded = Lengths {
        gathered: 0,
        given_on: usize::MAX,
    };
    let late = taker.take(Bytes::new(), unbounded).await;
    assert_eq!(late, Err(NotTaken::Refused("a reason".to_owned())));
}
