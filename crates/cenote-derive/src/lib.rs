//! `#[derive(Shared)]`: a type says how it lies in memory. Use it as `cenote::Shared`, which has its documentation.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{
    Attribute, Data, DataEnum, DataStruct, DeriveInput, Error, Ident, Member, parse_macro_input, parse_quote,
};

/// Says of a struct, or of an enum without fields, how it lies in memory.
///
/// A struct has `#[repr(C)]` or `#[repr(transparent)]`, and all its fields are `Shared`; an enum has the type of its
/// numbers, as in `#[repr(u8)]`. A struct may have type parameters: they are `Shared` too.
#[proc_macro_derive(Shared)]
pub fn shared(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    implementation(input).unwrap_or_else(Error::into_compile_error).into()
}

fn implementation(mut input: DeriveInput) -> Result<TokenStream, Error> {
    let name = &input.ident;
    let reprs = reprs(&input.attrs)?;
    let body = match &input.data {
        Data::Struct(data) => of_struct(name, data, &reprs)?,
        Data::Enum(data) => of_enum(name, data, &reprs)?,
        Data::Union(_) => {
            return Err(Error::new_spanned(name, "a union does not say which of its fields there is"));
        }
    };
    for parameter in input.generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(::cenote::Shared));
    }
    let (parameters, arguments, conditions) = input.generics.split_for_impl();
    Ok(quote! {
        impl #parameters ::cenote::Shared for #name #arguments #conditions {
            fn description() -> ::std::string::String {
                #body
            }
        }
    })
}

fn of_struct(name: &Ident, data: &DataStruct, reprs: &[String]) -> Result<TokenStream, Error> {
    if !reprs.iter().any(|repr| repr == "C" || repr == "transparent") {
        let what = "the order of its fields in memory is the compiler's: add #[repr(C)]";
        return Err(Error::new_spanned(name, what));
    }
    let fields = data.fields.members().zip(&data.fields).map(|(member, field)| {
        let called = match &member {
            Member::Named(name) => name.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        };
        let of = &field.ty;
        quote! {
            (#called, ::core::mem::offset_of!(Self, #member), <#of as ::cenote::Shared>::description())
        }
    });
    let name = name.unraw().to_string();
    Ok(quote! {
        ::cenote::value::describe_struct(
            #name,
            ::core::mem::size_of::<Self>(),
            ::core::mem::align_of::<Self>(),
            &[#(#fields),*],
        )
    })
}

fn of_enum(name: &Ident, data: &DataEnum, reprs: &[String]) -> Result<TokenStream, Error> {
    const INTEGERS: [&str; 8] = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];
    let Some(repr) = reprs.iter().find(|repr| INTEGERS.contains(&repr.as_str())) else {
        let what = "how wide its numbers are is the compiler's choice: add #[repr(u8)] or the like";
        return Err(Error::new_spanned(name, what));
    };
    let integer = Ident::new(repr, name.span());
    let mut variants = Vec::new();
    for variant in &data.variants {
        if !variant.fields.is_empty() {
            let what = "variants with fields cannot be shared: use a struct with an enum and the fields";
            return Err(Error::new_spanned(variant, what));
        }
        let (ident, called) = (&variant.ident, variant.ident.unraw().to_string());
        variants.push(quote! { (#called, Self::#ident as #integer as i128) });
    }
    let name = name.unraw().to_string();
    Ok(quote! { ::cenote::value::describe_enum(#name, #repr, &[#(#variants),*]) })
}

/// What is in the `#[repr(...)]` attributes.
fn reprs(attributes: &[Attribute]) -> Result<Vec<String>, Error> {
    let mut reprs = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        attribute.parse_nested_meta(|meta| {
            reprs.push(meta.path.to_token_stream().to_string());
            // `align(16)`, `packed(2)`: what size and offsets come to is told by themselves.
            if meta.input.peek(syn::token::Paren) {
                let number;
                syn::parenthesized!(number in meta.input);
                number.parse::<syn::LitInt>()?;
            }
            Ok(())
        })?;
    }
    Ok(reprs)
}
