//! Settings -> Clinic, Staff and roles, API keys; My account.

use axum::http::StatusCode;
use remit_app::{api_keys, branding, clinics, staff};
use remit_core::roles::Role;

use crate::clinic::{House, PASSWORD, Person, houses};

/// The link that a page shows once.
fn link_on(html: &str) -> String {
    let (_, rest) = html.split_once("/set-password/").expect("a link");
    format!("/set-password/{}", rest.split('"').next().unwrap())
}

/// Somebody opens the link and chooses a password; answers with the cookie of their session.
async fn sets_password(house: &House, link: &str, password: &str) -> String {
    let form = house.send("GET", link, "", &[]).await;
    let csrf = form.value("csrf");
    let sent = [
        ("csrf", csrf.as_str()),
        ("password", password),
        ("again", password),
    ];
    let done = house.send("POST", link, "", &sent).await;
    assert_eq!(
        (done.status, done.location.as_str()),
        (StatusCode::SEE_OTHER, "/"),
        "{}",
        done.html
    );
    done.cookie
}

async fn id_of(house: &House, email: &str) -> String {
    let everybody = staff::list(&house.app, house.clinic).await.unwrap();
    let found = everybody.iter().find(|person| person.email == email);
    found.unwrap().id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_invited_sets_a_password_once_and_works() {
    for house in houses("invite").await {
        let owner = house.person(Role::Owner).await;
        let form = [
            ("name", "Ada Okafor"),
            ("email", "Ada@larkhill.example"),
            ("role", "reception"),
        ];
        let shown = owner.post("/settings/staff/new", &form).await;
        assert_eq!(shown.status, StatusCode::OK);
        let link = link_on(&shown.html);
        let again = owner.post("/settings/staff/new", &form).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again
            .says("signs in with this address already")
            .says("Ada Okafor");
        owner.get("/settings/staff").await.says("Invited");
        assert_eq!(
            house.try_sign_in("ada@larkhill.example", "").await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        // Looking at the link, however often, uses nothing up; a short or mistyped password neither.
        for _ in 0..3 {
            house.send("GET", &link, "", &[]).await.says("Ada Okafor");
        }
        let csrf = house.send("GET", &link, "", &[]).await.value("csrf");
        for (password, repeated, says) in [
            ("short", "short", "at least 8 characters"),
            ("kettle ribbon", "kettle ribbom", "The two passwords differ"),
            (
                "ada@larkhill.example",
                "ada@larkhill.example",
                "something else than the email",
            ),
        ] {
            let sent = [
                ("csrf", csrf.as_str()),
                ("password", password),
                ("again", repeated),
            ];
            let refused = house.send("POST", &link, "", &sent).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            refused.says(says);
            assert!(
                !refused
                    .html
                    .contains(&format!("name=\"password\" value=\"{password}\""))
            );
        }
        let cookie = sets_password(&house, &link, "a good long one").await;
        house
            .send("GET", "/diary", &cookie, &[])
            .await
            .says("Ada Okafor");
        assert_eq!(
            house.send("GET", &link, "", &[]).await.status,
            StatusCode::GONE
        );
        let entered = house
            .try_sign_in("ada@larkhill.example", "a good long one")
            .await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_what_was_open_and_a_link_ends_the_one_before() {
    for house in houses("reset").await {
        let owner = house.person(Role::Owner).await;
        let desk = house.person(Role::Reception).await;
        let id = id_of(&house, "reception@larkhill.example").await;
        let path = format!("/settings/staff/{id}/password");
        let first = link_on(&owner.post(&path, &[]).await.html);
        assert_eq!(
            desk.get("/diary").await.status,
            StatusCode::SEE_OTHER,
            "signed out"
        );
        let old = house
            .try_sign_in("reception@larkhill.example", PASSWORD)
            .await;
        assert_eq!(
            old.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "the old password"
        );
        let second = link_on(&owner.post(&path, &[]).await.html);
        assert_eq!(
            house.send("GET", &first, "", &[]).await.status,
            StatusCode::GONE
        );
        house
            .app
            .store
            .shift_clock(remit_core::staff::INVITATION_MS + 1);
        assert_eq!(
            house.send("GET", &second, "", &[]).await.status,
            StatusCode::GONE,
            "ran out"
        );
        let owner = house.person(Role::Owner).await;
        let third = link_on(&owner.post(&path, &[]).await.html);
        sets_password(&house, &third, "a good long one").await;
        // Their own is changed under My account, by who knows it.
        let own = id_of(&house, "owner@larkhill.example").await;
        let refused = owner
            .post(&format!("/settings/staff/{own}/password"), &[])
            .await;
        refused.says("under My account");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_always_left_and_who_is_let_go_stays_named() {
    for house in houses("last_owner").await {
        let owner = house.person(Role::Owner).await;
        let own = id_of(&house, "owner@larkhill.example").await;
        let path = format!("/settings/staff/{own}");
        let demoted = [
            ("name", "Joanne Bright"),
            ("email", "owner@larkhill.example"),
            ("role", "manager"),
        ];
        let refused = owner.post(&path, &demoted).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        refused.says("This is the last owner");
        owner
            .post(&format!("{path}/deactivate"), &[])
            .await
            .says("This is the last owner");

        let desk = house.person(Role::Reception).await;
        let id = id_of(&house, "reception@larkhill.example").await;
        let path = format!("/settings/staff/{id}");
        let raised = [
            ("name", "Joanne Brightwell"),
            ("email", "reception@larkhill.example"),
            ("role", "owner"),
        ];
        assert_eq!(
            desk.post(&path, &raised).await.status,
            StatusCode::FORBIDDEN
        );
        let saved = owner.post(&path, &raised).await;
        assert_eq!(saved.location, format!("{path}?done=saved"));
        // Two owners now: the new one may take the old one's role, and then is the last.
        let other = Person {
            house: &house,
            cookie: desk.cookie.clone(),
            csrf: desk.csrf.clone(),
        };
        let taken = other
            .post(&format!("/settings/staff/{own}"), &demoted)
            .await;
        assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.html);
        assert_eq!(
            owner.get("/settings/staff").await.status,
            StatusCode::FORBIDDEN,
            "at once"
        );
        let gone = other
            .post(&format!("/settings/staff/{own}/deactivate"), &[])
            .await;
        assert_eq!(gone.status, StatusCode::SEE_OTHER);
        assert_eq!(
            owner.get("/diary").await.status,
            StatusCode::SEE_OTHER,
            "signed out"
        );
        other.get("/settings/staff").await.says("Deactivated");
        let entered = house.try_sign_in("owner@larkhill.example", PASSWORD).await;
        assert_eq!(entered.status, StatusCode::UNPROCESSABLE_ENTITY);
        other
            .post(&format!("/settings/staff/{own}/reactivate"), &[])
            .await;
        let entered = house.try_sign_in("owner@larkhill.example", PASSWORD).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_changes_their_own_name_password_and_sessions() {
    for house in houses("account").await {
        let here = house.person(Role::Viewer).await;
        let there = house.person(Role::Viewer).await;
        let renamed = here.post("/account", &[("name", "Jo Bright 🙂")]).await;
        assert_eq!(renamed.location, "/account?done=saved");
        here.get("/account")
            .await
            .says("Jo Bright 🙂")
            .says("This one");
        let password = |old: &'static str, new: &'static str, again: &'static str| {
            [
                ("old_password", old),
                ("new_password", new),
                ("again", again),
            ]
        };
        for (old, new, again, says) in [
            (
                "wrong wrong",
                "a good long one",
                "a good long one",
                "not your present password",
            ),
            (PASSWORD, "short", "short", "at least 8 characters"),
            (
                PASSWORD,
                "a good long one",
                "another long one",
                "The two passwords differ",
            ),
            (PASSWORD, PASSWORD, PASSWORD, "the password you have"),
        ] {
            let refused = here
                .post("/account/password", &password(old, new, again))
                .await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{says}");
            refused.says(says);
        }
        let form = password(PASSWORD, "a good long one", "a good long one");
        assert_eq!(
            here.post("/account/password", &form).await.location,
            "/account?done=password"
        );
        assert_eq!(
            there.get("/diary").await.status,
            StatusCode::SEE_OTHER,
            "the other session"
        );
        assert_eq!(here.get("/diary").await.status, StatusCode::OK, "this one");
        let entered = house
            .try_sign_in("viewer@larkhill.example", "a good long one")
            .await;
        let page = here.get("/account").await.html;
        let (_, rest) = page
            .split_once("/account/sessions/")
            .expect("the new session");
        let other = rest.split('/').next().unwrap();
        here.post(&format!("/account/sessions/{other}/end"), &[])
            .await;
        let ended = house.send("GET", "/diary", &entered.cookie, &[]).await;
        assert_eq!(ended.status, StatusCode::SEE_OTHER);
        let missing = here
            .post("/account/sessions/0011223344556677/end", &[])
            .await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_used_and_revoked() {
    for house in houses("keys").await {
        let owner = house.person(Role::Owner).await;
        let here = "/settings/api-keys";
        let form = [
            ("name", "Practice system"),
            ("role", "manager"),
            ("idempotency_key", "k-key"),
        ];
        let shown = owner.post(here, &form).await;
        let (_, rest) = shown.html.split_once("value=\"rk_").expect("the secret");
        let secret = format!("rk_{}", rest.split('"').next().unwrap());
        assert_eq!(
            owner.post(here, &form).await.location,
            format!("{here}?done=made"),
            "pressed twice"
        );
        let listed = owner.get(here).await;
        assert!(
            !listed.html.contains(&secret) && listed.html.contains(&secret[secret.len() - 4..])
        );
        listed.says("Practice system").says("Never");
        let who = api_keys::caller(&house.app, &secret)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (who.role, who.label.as_str()),
            (Role::Manager, "API key \"Practice system\"")
        );
        let keys = api_keys::list(&house.app, house.clinic).await.unwrap();
        assert_eq!(keys.len(), 1);
        assert!(keys[0].last_used_at.is_some());
        assert_eq!(keys[0].created_by, "Joanne Bright");
        owner
            .post(&format!("{here}/{}/revoke", keys[0].id), &[])
            .await;
        assert!(
            api_keys::caller(&house.app, &secret)
                .await
                .unwrap()
                .is_none()
        );
        owner.get(here).await.says("Revoked by Joanne Bright");
        let nameless = owner.post(here, &[("name", " "), ("role", "viewer")]).await;
        nameless.says("Enter a name");
        let roleless = owner.post(here, &[("name", "X"), ("role", "root")]).await;
        roleless.says("Choose a role");
    }
}

/// All fields of the clinic's form, with one changed.
fn clinic_form<'a>(changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("name", "Larkhill Clinic"),
        ("strapline", "Redland, Bristol"),
        ("address", "22 Larkhill Road, Bristol BS6 5QN"),
        ("phone", "0117 496 0142"),
        ("email", "desk@larkhill.example"),
        ("website", "larkhill.example"),
        ("privacy", "larkhill.example/privacy"),
        ("terms", ""),
        ("zone", "Europe/London"),
        ("accent", "#0b6464"),
        ("show_services", "1"),
    ];
    for (name, value) in changed {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    form
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clinic_is_saved_or_each_field_says_what_is_wrong() {
    for house in houses("clinic").await {
        let manager = house.person(Role::Manager).await;
        let here = "/settings/clinic";
        for (name, value, says) in [
            ("name", " ", "Enter a name"),
            ("phone", "12", "Enter a phone number"),
            ("email", "desk", "Enter an email address"),
            ("website", "http://larkhill.example", "secure pages only"),
            ("privacy", "larkhill", "Enter a web address"),
            ("terms", "javascript:alert(1)", "Enter a web address"),
            ("zone", "Bristol", "Choose a time zone"),
            ("accent", "teal", "Choose a colour"),
            ("strapline", &"x".repeat(81), "at most 80"),
        ] {
            let refused = manager.post(here, &clinic_form(&[(name, value)])).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
            refused.says(says).says("larkhill.example");
            assert!(
                refused.html.contains(&format!("id=\"{name}-error\"")),
                "{name}"
            );
        }
        let booked = manager.books("later", "10:00").await.location;
        manager.get(&booked).await.says("10:00");
        let changed = clinic_form(&[
            ("name", "عيادة النور 🙂"),
            ("zone", "america/new_york"),
            ("accent", "#ffd000"),
        ]);
        assert_eq!(
            manager.post(here, &changed).await.location,
            format!("{here}?done=saved")
        );
        let context = clinics::context(&house.app, house.clinic).await.unwrap();
        assert_eq!(context.clinic.zone, "America/New_York");
        assert!(context.clinic.show_services);
        let pages = &context.branding.pages;
        assert_eq!(pages.website, "https://larkhill.example");
        assert_eq!(pages.privacy, "https://larkhill.example/privacy");
        assert_eq!(pages.terms, "");
        let accent = context.branding.accent.unwrap();
        assert!(
            accent.contrast(remit_core::branding::WHITE) >= 4.5,
            "{accent}"
        );
        // The instant is kept: London's ten is New York's five, in winter and in summer.
        manager.get(&booked).await.says("05:00");
        manager
            .get(here)
            .await
            .says(&accent.to_string())
            .says("عيادة النور 🙂");
        let preview = manager
            .get("/settings/clinic/preview?accent=%23ffd000&name=X")
            .await;
        preview.says("It is saved darker").says(&accent.to_string());
        let viewer = house.person(Role::Viewer).await;
        assert!(!viewer.get(here).await.html.contains("Save changes"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_tells_managers_who_changed_what() {
    for house in houses("audit").await {
        let manager = house.person(Role::Manager).await;
        let here = "/settings/audit";
        let limits = [("reception_max", "50.00"), ("auto_refund", "1")];
        house
            .person(Role::Owner)
            .await
            .post("/settings/refunds", &limits)
            .await;
        let page = manager.get(here).await;
        page.says("Changed the refund limits")
            .says("reception up to £50.00")
            .says("Joanne Bright");
        for _ in 0..50 {
            manager.post("/settings/clinic", &clinic_form(&[])).await;
        }
        let newest = manager.get(here).await;
        newest.says("Changed the clinic’s details");
        assert!(!newest.html.contains("Changed the refund limits"));
        let (_, older) = newest.html.split_once("before=").unwrap();
        let number = older.split('"').next().unwrap();
        let older = manager.get(&format!("{here}?before={number}")).await;
        older.says("Changed the refund limits");
        let reception = house.person(Role::Reception).await;
        assert_eq!(reception.get(here).await.status, StatusCode::FORBIDDEN);
        let settings = reception.get("/settings/clinic").await;
        assert!(!settings.html.contains(here), "no way to it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_is_taken_checked_and_removed() {
    for house in houses("logo").await {
        let manager = house.person(Role::Manager).await;
        let path = "/settings/clinic/logo";
        let refused = manager.uploads(path, "logo", b"<svg/>").await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        refused
            .says("Use a PNG or a JPEG picture")
            .says("id=\"logo-error\"");
        let png = remit_app::qr::png("a picture").unwrap();
        let saved = manager.uploads(path, "logo", &png).await;
        assert_eq!(
            saved.location, "/settings/clinic?done=logo",
            "{}",
            saved.html
        );
        let context = clinics::context(&house.app, house.clinic).await.unwrap();
        let logo = context.branding.logo.clone().unwrap();
        let (kind, bytes) = branding::logo(&house.app, house.clinic, &logo.hash)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((kind.as_str(), &bytes[1..4]), ("image/png", &b"PNG"[..]));
        manager.get("/settings/clinic").await.says(&logo.hash);
        manager.post(&format!("{path}/remove"), &[]).await;
        let context = clinics::context(&house.app, house.clinic).await.unwrap();
        assert_eq!(context.branding.logo, None);
    }
}
