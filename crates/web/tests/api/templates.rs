//! The texts of messages: read, changed, refused with every field that is wrong, and taken back.

use remit_core::roles::Role;
use serde_json::{Value, json};

use crate::harness::{House, on_both_engines};

const LIST: &str = "/settings/message-templates";
const BALANCE: &str = "/settings/message-templates/sms/en/balance";

fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().expect("errors");
    errors
        .iter()
        .filter_map(|error| error["field"].as_str())
        .collect()
}

on_both_engines! {
    async fn a_text_is_changed_kept_and_taken_back(house: House) {
        let clinic = house.founds("lark").await;
        let manager = clinic.as_role(Role::Manager);
        let all = manager.reads(LIST).await;
        let all = all["data"].as_array().unwrap();
        assert_eq!(all.len(), 2 * 7 * 6);
        assert!(all.iter().all(|text| text["standard"] == json!(true) && text["version"].is_null()));

        let body = "{clinic} asks for {amount} {link} Ref {reference} {clinic_phone}";
        let changed = manager.put(BALANCE, json!({"body": body})).await.is(200);
        assert_eq!((&changed["standard"], &changed["version"], &changed["body"]), (&json!(false), &json!(1), &json!(body)));
        let preview = &changed["preview"];
        assert_eq!((&preview["segments"], &preview["alphabet"]), (&json!(1), &json!("gsm_7")));
        assert!(preview["text"].as_str().unwrap().contains(" asks for £45.00 http"), "{preview}");
        assert_eq!(preview["cost"], json!({"amount": 4, "currency": "GBP"}));

        let back = manager.put(BALANCE, json!({"body": null})).await.is(200);
        assert_eq!((&back["standard"], &back["version"]), (&json!(true), &json!(2)));
        assert_eq!(back["versions"].as_array().unwrap().len(), 2);
        assert_eq!(back["versions"][1]["body"], json!(body), "what was in use stays known");
        // Another clinic's texts are its own.
        let other = house.founds("oak").await;
        assert_eq!(other.owner().reads(BALANCE).await["versions"], json!([]));
    }

    async fn a_text_that_may_not_be_used_says_all_that_is_wrong(house: House) {
        let clinic = house.founds("lark").await;
        let manager = clinic.as_role(Role::Manager);
        let refused = manager.put(BALANCE, json!({"body": "Your biopsy costs {amount}, pay immediately"})).await;
        let told = refused.is_problem(422, "invalid-fields");
        assert_eq!(fields(&told), ["body"; 4], "no link, no name, health, urgency: {told}");
        let email = "/settings/message-templates/email/en/deposit";
        let refused = manager.put(email, json!({"subject": "{amount} due", "body": "{clinic} {link}"})).await;
        assert_eq!(fields(&refused.is_problem(422, "invalid-fields")), ["subject", "body"]);
        for (path, body, field) in [
            (BALANCE, json!({}), "body"),
            (BALANCE, json!({"subject": "x", "body": "y"}), "subject"),
            (BALANCE, json!({"body": "{clinic} {oops} {link}"}), "body"),
            (email, json!({"subject": "x", "body": null}), "subject"),
        ] {
            let refused = manager.put(path, body).await;
            assert_eq!(fields(&refused.is_problem(422, "invalid-fields")), [field]);
        }
        for path in ["sms/xx/balance", "fax/en/balance", "sms/en/threat"] {
            manager.get(&format!("{LIST}/{path}")).await.is_problem(404, "not-found");
        }
        let reception = clinic.as_role(Role::Reception);
        reception.put(BALANCE, json!({"body": null})).await.is_problem(403, "forbidden");
        assert_eq!(manager.reads(BALANCE).await["versions"], json!([]));
    }
}
